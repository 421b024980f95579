"""Runs cells in a Deno kernel, and interrupts some.

Usage: python interrupt.py < cells, a JSON array of {"code", "interrupt": seconds until it comes, or null}

Prints a JSON array of what each cell showed or failed with: texts. A cell that does not end in 60 seconds shows "hangs", one
that fails without an interrupt also where it did.
"""

import json
import sys
import time
from queue import Empty

from jupyter_client.manager import start_new_kernel


def run(manager, client, code, interrupt):
    alone = interrupt is None
    request = client.execute(code)
    shown = []
    idle = False
    start = time.monotonic()
    while time.monotonic() - start < 60:
        if interrupt is not None and time.monotonic() - start > interrupt:
            manager.interrupt_kernel()
            interrupt = None
        try:
            message = client.get_iopub_msg(timeout=0.2)
        except Empty:
            # What a cell shows can arrive after the kernel says that it is idle.
            if idle:
                return "".join(shown)
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            shown.append(content["text"])
        elif message["msg_type"] == "error":
            shown.append("\n".join([content["ename"], *(content["traceback"] if alone else [])]))
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            idle = True
    return "hangs"


manager, client = start_new_kernel(kernel_name="deno", cwd="notebooks")
try:
    print(json.dumps([run(manager, client, cell["code"], cell["interrupt"]) for cell in json.load(sys.stdin)]))
finally:
    manager.shutdown_kernel(now=True)
