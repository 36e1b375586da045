# expect: missing-variable
# says: no input channel 'validation'
# inputs: ["train"]
import os

print(os.environ["SM_CHANNEL_VALIDATION"])
