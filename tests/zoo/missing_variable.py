# expect: missing-variable
# says: WANDB_ENTITY_OF_NOBODY
import os

print(os.environ["WANDB_ENTITY_OF_NOBODY"])
