# expect: bad-argument
# says: --learning-rate
# exit_code: 2
# hyperparameters: {"epochs": 3, "learning-rate": 0.1}
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.parse_args()
