"""tokenscope with a conversation of 1,000,000 tokens open."""
import os

from peers.tokenscope import Peer as Short
from peers.tokenscope import long_conversation


class Peer(Short):
    name = "tokenscope_long"

    def find(self):
        return os.environ.get("BENCH_TOKENSCOPE") or super().find()

    def extra(self, ctx):
        path = os.path.join(ctx.home, "long.json")
        if not os.path.exists(path):
            long_conversation(path, 1_000_000)
        return ["--open", path]
