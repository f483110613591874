"""Conversations about the public modules, and what belongs to them: messages, agents' work, diagrams, transcripts."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from weaviate_migration.demo.stdlib_docs import ModuleDocs
from weaviate_migration.demo.values import Row, date_text, json_text, key_for, moment_for

_OBJECTS_ASKED_ABOUT = 6
_MODULE_QUESTION = "What is the module {name} for?"
_OBJECT_QUESTIONS = (
    "What does {name} do?",
    "How do I call {name}?",
    "Which arguments does {name} take?",
    "Can you explain {name} to me? 🤔",
    "I found {name} in somebody's code. When would I use it?",
    "Please show me how {name} is declared 🐍",
    "In one paragraph: {name}?",
)

# A PNG image of one grey pixel.
_THUMBNAIL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Exchange:
    """A question about one thing, and the answer to it."""

    subject: str
    question: str
    answer: str


@dataclass(frozen=True)
class Conversation:
    """The conversation about one module: when it began, and what was said."""

    serial: int
    module: ModuleDocs
    began: datetime
    exchanges: tuple[Exchange, ...]

    @property
    def key(self) -> str:
        """The key of its row."""
        return key_for("conversations", self.module.name)

    def moment(self, position: int) -> datetime:
        """When its message number `position` was written: some on a whole second, most not."""
        return self.began + timedelta(seconds=23 * position, microseconds=position % 4 * 250_001)


def hold_conversations(modules: tuple[ModuleDocs, ...]) -> list[Conversation]:
    """One conversation for each public module, spread over a year."""
    public = [module for module in modules if module.is_public]
    return [
        Conversation(serial, module, moment_for(serial, len(public)), _exchanges(serial, module))
        for serial, module in enumerate(public)
    ]


def conversation_rows(conversations: list[Conversation]) -> list[Row]:
    """The rows of the conversations themselves."""
    return [
        {
            "id": conversation.key,
            "title": f"Questions about {conversation.module.name}",
            "created_at": date_text(conversation.began),
            "updated_at": date_text(conversation.moment(2 * len(conversation.exchanges))),
            "is_active": int(conversation.serial % 5 > 0),
        }
        for conversation in conversations
    ]


def message_rows(conversations: list[Conversation]) -> list[Row]:
    """Questions (role `user`) and answers (role `assistant`), in the order in which they were written."""
    return [
        row
        for conversation in conversations
        for number, exchange in enumerate(conversation.exchanges)
        for row in (
            _message_row(conversation, 2 * number, "user", exchange.question),
            _message_row(conversation, 2 * number + 1, "assistant", exchange.answer)
            | {"tool_calls": _tool_calls(exchange) if number % 3 == 1 else None},
        )
    ]


def interaction_rows(conversations: list[Conversation]) -> list[Row]:
    """Two steps for each conversation: an agent that searches, and one that writes the answer."""
    return [
        row
        for conversation in conversations
        for row in (
            _interaction_row(conversation, 1, "docs_searcher", ["search_docs"]),
            _interaction_row(conversation, 2, "answer_writer", ["search_docs", "read_signature"]),
        )
    ]


def multimodal_rows(conversations: list[Conversation]) -> list[Row]:
    """A diagram for every second conversation, a transcript for each of the others."""
    return [
        _diagram_row(conversation) if conversation.serial % 2 == 0 else _transcript_row(conversation)
        for conversation in conversations
    ]


def _exchanges(serial: int, module: ModuleDocs) -> tuple[Exchange, ...]:
    """One about the module, if it says something of itself, and some about its first objects."""
    about_objects = []
    for number, item in enumerate(module.objects[:_OBJECTS_ASKED_ABOUT]):
        name = f"{module.name}.{item.qualified_name}"
        question = _OBJECT_QUESTIONS[(serial + number) % len(_OBJECT_QUESTIONS)].format(name=name)
        about_objects.append(Exchange(name, question, f"{item.first_paragraph}\n\n{item.signature}"))
    if not module.docstring:
        return tuple(about_objects)
    return (_exchange_about_module(module), *about_objects)


def _exchange_about_module(module: ModuleDocs) -> Exchange:
    answer = module.docstring.split("\n\n", 1)[0]
    return Exchange(module.name, _MODULE_QUESTION.format(name=module.name), f"{answer}\n\nimport {module.name}")


def _tool_calls(exchange: Exchange) -> str:
    return json_text([{"name": "search_docs", "arguments": {"query": exchange.subject, "limit": 5}}])


def _message_row(conversation: Conversation, position: int, role: str, content: str) -> Row:
    return {
        "id": key_for("messages", f"{conversation.module.name}/{position}"),
        "conversation_id": conversation.key,
        "role": role,
        "content": content,
        "created_at": date_text(conversation.moment(position)),
        "tool_calls": None,
        "extra_data": json_text({"position": position}) if role == "user" else None,
        "token_count": len(content) // 4,
    }


def _interaction_row(conversation: Conversation, step: int, agent: str, tools: list[str]) -> Row:
    exchange = conversation.exchanges[0]
    milliseconds = (conversation.serial * 37 % 1000 + step) / 7
    finished = conversation.moment(step) + timedelta(milliseconds=milliseconds)
    return {
        "id": key_for("agent_interactions", f"{conversation.module.name}/{step}"),
        "agent_name": agent,
        "agent_role": "retrieval" if step == 1 else "generation",
        "interaction_type": "task",
        "input_data": exchange.question,
        "output_data": exchange.answer,
        "task_metadata": json_text({"tools_used": tools, "subject": exchange.subject}),
        "execution_time_ms": milliseconds,
        "tokens_used": len(exchange.question + exchange.answer) // 4,
        "conversation_id": conversation.key,
        "workflow_id": f"workflow-{conversation.serial:04d}",
        "workflow_type": "sequential",
        "step_number": step,
        "status": "completed",
        "error_message": None,
        "created_at": date_text(conversation.moment(step)),
        "completed_at": date_text(finished),
    }


def _diagram_row(conversation: Conversation) -> Row:
    """An image of the module's classes and functions, with the text that was recognised in it."""
    names = ", ".join(item.qualified_name for item in conversation.module.objects[:12]) or "no public objects"
    text = f"Diagram of the module {conversation.module.name}: {names}"
    result = {"text": text, "width": 1280, "height": 720}
    return _multimodal_row(conversation, "image", "svg", result) | {"thumbnail": _THUMBNAIL}


def _transcript_row(conversation: Conversation) -> Row:
    """A recording of the first question and answer, with what was said in it."""
    exchange = conversation.exchanges[0]
    text = f"{exchange.question} {exchange.answer}"
    return _multimodal_row(conversation, "audio", "mp3", {"text": text, "seconds": round(len(text) / 15, 1)})


def _multimodal_row(conversation: Conversation, media_type: str, suffix: str, result: dict[str, object]) -> Row:
    filename = f"{conversation.module.name}.{suffix}"
    content_hash = hashlib.sha256(filename.encode()).hexdigest()
    return {
        "id": key_for("multimodal_content", filename),
        "media_type": media_type,
        "filename": filename,
        "file_size": 1_000 + len(str(result["text"])) * 40,
        "content_hash": content_hash,
        "storage_path": f"media/{content_hash[:2]}/{content_hash}",
        "processing_status": "completed",
        "processing_result": json_text(result),
        "error_message": None,
        "conversation_id": conversation.key,
        "created_at": date_text(conversation.began),
        "updated_at": date_text(conversation.moment(1)),
        "thumbnail": None,
    }
