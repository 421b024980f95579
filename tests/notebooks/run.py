"""Runs notebooks through a real Jupyter kernel, as JupyterLab would.

Usage: python run.py <in.ipynb> <out.ipynb> [seconds a cell may take]

The executed copy is written in any case. Prints one JSON object: {"seconds", "error": null or a text, "expected":
[{"cell", "expression", "value"}]}, the last being the values of what cells' metadata expect.
"""

import asyncio
import json
import sys
import time
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

# Outputs of a Deno kernel can arrive after it says that it is idle, where nbclient no longer looks for them.
LATE_SECONDS = 0.1


class Client(NotebookClient):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected = []

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        try:
            done = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            await self.drain(cell, cell_index)
        for expression in cell.metadata.get("any4", {}).get("expect", {}):
            value = await self.evaluate(expression)
            self.expected.append({"cell": cell_index, "expression": expression, "value": value})
        return done

    async def drain(self, cell, cell_index):
        """Adds what comes late to the cell that it belongs to."""
        while True:
            try:
                message = await self.kc.iopub_channel.get_msg(timeout=LATE_SECONDS)
            except Empty:
                return
            if cell.cell_type == "code" and message["msg_type"] not in ("status", "execute_input"):
                self.process_message(message, cell, cell_index)

    async def evaluate(self, expression):
        """An expression's value as the kernel has it, by way of JSON; a text where there is an error."""
        code = "await Deno.jupyter.broadcast('display_data', { data: { 'text/plain': JSON.stringify(" + expression
        id = self.kc.execute(code + ") }, metadata: {}, transient: {} });", store_history=False)
        value = None
        idle = False
        while True:
            try:
                message = await self.kc.iopub_channel.get_msg(timeout=LATE_SECONDS if idle else 30)
            except Empty:
                break
            if message["parent_header"].get("msg_id") != id:
                continue
            content = message["content"]
            if message["msg_type"] == "display_data":
                value = json.loads(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                value = content["evalue"]
            elif message["msg_type"] == "status":
                idle = content["execution_state"] == "idle"
        await self.kc.shell_channel.get_msg(timeout=5)
        return value


def main():
    source, target = sys.argv[1:3]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 120
    notebook = nbformat.read(source, 4)
    client = Client(notebook, timeout=seconds, kernel_name="deno", record_timing=False)
    started = time.monotonic()
    error = None
    try:
        # The kernel starts in the notebook's own folder, as it does in JupyterLab.
        client.execute(cwd=source.rpartition("/")[0] or ".")
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as caught:
        error = f"{type(caught).__name__}: {caught}"
    took = time.monotonic() - started
    nbformat.write(notebook, target)
    print(json.dumps({"seconds": took, "error": error, "expected": client.expected}))


main()
