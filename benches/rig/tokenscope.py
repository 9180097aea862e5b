"""How the terminal rig drives tokenscope: copy or link into its peers/ folder."""
import json
import os

from driver import Driver

CONFIG = """
[compare]
temperatures = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6]
"""


class Peer(Driver):
    name = "tokenscope"
    stack = "Rust ratatui, one loop, 16.7 ms frames"
    bins = ("tokenscope",)
    ready = r"draft 0"
    settle = 0.5
    quit_keys = ["\x11"]

    def setup(self, ctx):
        config = ctx.write("tokenscope.toml", CONFIG)
        argv = [self.find(), "--config", config, "--data-dir", os.path.join(ctx.home, "data"),
                "--base-url", ctx.v1, "--model", "mock", *self.extra(ctx)]
        return argv, {"OPENAI_API_KEY": "sk-mock", "TOKENSCOPE_DEBUG": "panic"}

    def extra(self, ctx):
        return []

    def parallel(self, s, n, prompt):
        s.write("\x1b2")
        s.settle(0.2, 1)
        s.write(prompt(0))
        s.settle(0.2, 1)
        s.write("\r")

    def panic(self, s):
        s.write("\x1b[24~")


def long_conversation(path, tokens):
    """Writes a conversation of about this many tokens as a messages file."""
    sentence = "The model reads a line and then writes another one while the screen keeps up. 한국어 문장도 섞여 있다. "
    per_sentence = 29
    answer = sentence * 35 + "\n\n```rust\nfn main() {\n    println!(\"hello\");\n}\n```\n\n- one\n- two\n"
    messages, count, turn = [], 0, 0
    while count < tokens:
        turn += 1
        messages.append({"role": "user", "content": f"question {turn}"})
        messages.append({"role": "assistant", "content": f"## Part {turn}\n\n{answer}"})
        count += 35 * per_sentence + 40
    with open(path, "w") as f:
        json.dump({"messages": messages}, f, ensure_ascii=False)
