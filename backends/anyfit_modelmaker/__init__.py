"""Wangsu ModelMaker."""
