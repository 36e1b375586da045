"""Tencent TI on loopback: TI-ONE in both generations, TI-EMS, the log service, monitoring and temporary keys."""
