"""A server of Anthropic's messages protocol."""

from typing import Any

from tests.chat_server import ChatServer, Row


class MessagesServer(ChatServer):
    """A server of Anthropic's messages protocol in a thread of this process."""

    def engine(self, **settings: Any) -> Row:
        """Return the settings of an engine that asks this server."""
        return {"type": "anthropic", "base_url": self.address, "concurrency": 4, **settings}

    def reply(self, content: Any, *, stop: str | None = "end_turn", **fields: Any) -> Row:  # type: ignore[override]
        """Return the body of an answer.

        Args:
            content: Its text, or its blocks.
            stop: Why it ended.
            fields: Other fields of the message.
        """
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks,
            "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 2},
            **fields,
        }  # fmt: skip

    def verdict(self, answer: Any, *, stop: str = "tool_use", **fields: Any) -> Row:
        """Return the body of an answer that calls the tool of the verdict."""
        return self.reply([self.call({"answer": answer})], stop=stop, **fields)

    @staticmethod
    def call(given: Any, name: str = "verdict") -> Row:
        """Return a block that calls a tool."""
        return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given}

    @staticmethod
    def refuse(message: str, **fields: Any) -> Row:
        """Return the body of a refusal."""
        error = {"type": "invalid_request_error", "message": message, **fields}
        return {"type": "error", "error": error, "request_id": "req_1"}
