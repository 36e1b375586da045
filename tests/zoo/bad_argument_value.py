# expect: bad-argument
# says: --epochs
# exit_code: 2
# hyperparameters: {"epochs": "many"}
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.parse_args()
