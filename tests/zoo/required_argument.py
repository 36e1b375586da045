# expect: bad-argument
# says: --lr
# exit_code: 2
# hyperparameters: {"epochs": 3}
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--lr", type=float, required=True)
parser.parse_args()
