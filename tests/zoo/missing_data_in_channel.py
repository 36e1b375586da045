# expect: missing-data
# says: input channel 'train'
# inputs: ["train"]
import os

open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "digits.csv")).close()
