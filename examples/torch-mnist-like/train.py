"""Train a small convolutional network with PyTorch on digit-like pictures that it draws itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch
from model import Net
from pictures import draw
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train_x, train_y = draw(args.samples, seed=args.seed)
    test_x, test_y = draw(500, seed=args.seed + 1)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        net.train()
        order = torch.randperm(len(train_x))
        for start in range(0, len(order), args.batch_size):
            batch = order[start : start + args.batch_size]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(train_x[batch]), train_y[batch])
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            scores = net(test_x)
        test_loss = nn.functional.cross_entropy(scores, test_y).item()
        accuracy = (scores.argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch}  test_loss={test_loss:.4f}  accuracy={accuracy:.4f}")

    torch.save(net.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pt")


if __name__ == "__main__":
    main()
