"""Label Studio, doccano and Prodigy: texts with suggested entities out, annotations back in.

Offsets count what each tool counts: code points, as Python does, in Label Studio and Prodigy;
UTF-16 code units in doccano (1.8; unless its projects count grapheme clusters), where an emoji is
two.
"""

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree  # nosec B405 - XML is written here, not read

from spacy.tokens import Doc

from ..errors import InputError
from ..types import CharSpan
from .files import atomic_write, write_json
from .jsonl import Record, parse_spans, read_records, scan_objects
from .labelled import Skipped
from .text import BadRow, find_surrogate, open_text


class Tool(str, Enum):
    """The annotation tools."""

    label_studio = "label-studio"
    doccano = "doccano"
    prodigy = "prodigy"

    @property
    def suffix(self) -> str:
        """Of the files it reads and writes."""
        return ".json" if self is Tool.label_studio else ".jsonl"


class Annotation(NamedTuple):
    """What one annotator says of a text; its entities in text order."""

    id: str
    text: str
    annotator: str
    spans: list[CharSpan]


def write_tasks(path: Path, tool: Tool, docs: Iterable[Doc], colours: dict[str, str]) -> None:
    """Write texts with their entities as suggestions, in the tool's import format.

    For Label Studio the labelling configuration goes beside it, with the suffix .xml. ``colours``
    holds the labels to choose from.
    """
    if tool is Tool.label_studio:
        with atomic_write(path.with_suffix(".xml")) as file:
            file.write(_label_studio_config(colours))
        write_json(path, [_label_studio_task(doc) for doc in docs])
        return
    make_task = _doccano_task if tool is Tool.doccano else _prodigy_task
    with atomic_write(path) as file:
        file.writelines(json.dumps(make_task(doc), ensure_ascii=False) + "\n" for doc in docs)


def detect_tool(path: Path) -> Tool | None:
    """The tool that exported a file, by its suffix and its first object; None for other files."""
    if path.suffix == Tool.label_studio.suffix:
        return Tool.label_studio
    if path.suffix != Tool.doccano.suffix:
        return None
    first = next(scan_objects(path), None)
    if first is None or isinstance(first, BadRow):
        return None
    match first[1]:
        case {"answer": _}:
            return Tool.prodigy
        case {"spans": _}:
            return None
        case {"label": _} | {"labels": _} | {"entities": _}:
            return Tool.doccano
    return None


def read_annotations(path: Path, tool: Tool, skipped: list[Skipped]) -> Iterator[Annotation]:
    """Yield the annotations of an export, in its order.

    Annotators go by ``completed_by`` (Label Studio), ``_annotator_id`` or ``_session_id``
    (Prodigy), or the file's name (doccano, which exports a file per annotator). Texts that nobody
    has annotated, or that were cancelled, rejected or ignored, are added to ``skipped``. Labels
    are read as in ``read_annotated``.

    Raises InputError for what is no export of the tool, and for spans that are malformed, outside
    the text, or overlap.
    """
    read = {
        Tool.label_studio: _read_label_studio,
        Tool.doccano: _read_doccano,
        Tool.prodigy: _read_prodigy,
    }
    return read[tool](path, skipped)


# Label Studio ------------------------------------------------------------------------------------


def _label_studio_config(colours: dict[str, str]) -> str:
    view = ElementTree.Element("View")
    labels = ElementTree.SubElement(view, "Labels", name="label", toName="text")
    for label, colour in colours.items():
        ElementTree.SubElement(labels, "Label", value=label, background=colour)
    ElementTree.SubElement(view, "Text", name="text", value="$text")
    # Else repeated blanks are shown as one, and offsets behind them are wrong.
    ElementTree.SubElement(view, "Style").text = ".htx-text { white-space: pre-wrap; }"
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _label_studio_task(doc: Doc) -> dict[str, Any]:
    result = [
        {
            "id": f"entity-{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": ent.start_char,
                "end": ent.end_char,
                "text": ent.text,
                "labels": [ent.label_],
            },
        }
        for number, ent in enumerate(doc.ents, start=1)
    ]
    return {"data": {"text": doc.text}, "predictions": [{"result": result}]}


def _read_label_studio(path: Path, skipped: list[Skipped]) -> Iterator[Annotation]:
    with open_text(path) as file:
        try:
            tasks = json.load(file)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: not JSON ({error}): export from Label Studio again."
            ) from error
    if not isinstance(tasks, list):
        raise InputError(f"{path}: no list of tasks: export as JSON from Label Studio.")
    for number, task in enumerate(tasks, start=1):
        where = f"{path}, task {number}"
        match task:
            case {"data": {"text": str(text)}, "annotations": [*annotations]}:
                pass
            # JSON-MIN: one annotation each, without the data around it.
            case {"text": str(text), "annotator": annotator} if isinstance(
                labels := task.get("label") or [], list
            ):
                result = [{"type": "labels", "value": value} for value in labels]
                annotations = [{"completed_by": annotator, "result": result}]
            case _:
                raise InputError(
                    f'{where}: no text at "data", "text" with "annotations" beside it.'
                )
        if find_surrogate(text) is not None:
            raise InputError(f"{where}: an unpaired surrogate, which no text can hold: mend it.")
        task_id = str(task.get("id", number))
        if not annotations:
            skipped.append(Skipped(task_id, "", "not annotated"))
        for annotation in annotations:
            match annotation:
                case {"was_cancelled": True}:
                    skipped.append(Skipped(task_id, "", "cancelled by the annotator"))
                case {"result": [*regions], **fields}:
                    values = _label_studio_spans(regions, text, where)
                    annotator = _label_studio_user(fields.get("completed_by", ""))
                    yield Annotation(task_id, text, annotator, parse_spans(values, text, where))
                case _:
                    raise InputError(f'{where}: an annotation without "result": export again.')


def _label_studio_user(user: Any) -> str:
    """A number, or an object with more of the user."""
    return str(user.get("email") or user.get("id") if isinstance(user, dict) else user)


def _label_studio_spans(regions: list[Any], text: str, where: str) -> list[Any]:
    """The regions that are labelled spans, without what other controls have added."""
    spans = []
    for region in regions:
        match region:
            case {"type": "labels", "value": {"start": int(s), "end": int(e), "labels": [label]}}:
                _check_surface(region["value"].get("text"), text[s:e], where)
                spans.append([s, e, label])
            case {"type": "labels"}:
                raise InputError(f"{where}: {region} is not a span with one label: mend it.")
    return spans


def _check_surface(surface: Any, found: str, where: str) -> None:
    """Whether the span's own text is what its offsets say; blanks may be written in other ways."""
    if isinstance(surface, str) and _bare(surface) != _bare(found):
        raise InputError(
            f"{where}: the span of {surface!r} is {found!r} in the text: its offsets do not count "
            "code points, as those of Label Studio do today: export again."
        )


def _bare(text: str) -> str:
    return "".join(text.replace("\\n", "").split())


# doccano -----------------------------------------------------------------------------------------


def _doccano_task(doc: Doc) -> dict[str, Any]:
    units = _utf16_offsets(doc.text)
    spans = [[units[ent.start_char], units[ent.end_char], ent.label_] for ent in doc.ents]
    return {"text": doc.text, "label": spans}


def _read_doccano(path: Path, skipped: list[Skipped]) -> Iterator[Annotation]:
    for number, record in enumerate(read_records(path), start=1):
        spans = [_doccano_span(value, record) for value in _doccano_spans(record)]
        yield Annotation(
            str(record.fields.get("id", number)),
            record.text,
            path.stem,
            parse_spans(spans, record.text, record.where),
        )


def _doccano_spans(record: Record) -> list[Any]:
    """The spans, also of older versions ("labels") and of projects with relations ("entities")."""
    match record.fields:
        case {"label": [*spans]} | {"labels": [*spans]}:
            return spans
        case {"entities": [*entities]}:
            return [_as_list(e, "start_offset", "end_offset", "label") for e in entities]
    raise InputError(f'{record.where}: no "label": export as JSONL from doccano.')


def _doccano_span(value: Any, record: Record) -> Any:
    units = _utf16_offsets(record.text)
    match value:
        case [int(start), int(end), label] if start in units and end in units:
            return [units.index(start), units.index(end), label]
    raise InputError(
        f"{record.where}: {value} is not [start, end, label] in UTF-16 code units: mend it."
    )


def _utf16_offsets(text: str) -> list[int]:
    """Where each character, and the end, is in UTF-16 code units."""
    return list(accumulate((1 + (char > "\uffff") for char in text), initial=0))


# Prodigy -----------------------------------------------------------------------------------------


def _prodigy_task(doc: Doc) -> dict[str, Any]:
    tokens = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in doc
    ]
    spans = [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "token_start": ent.start,
            "token_end": ent.end - 1,
            "label": ent.label_,
        }
        for ent in doc.ents
    ]
    return {"text": doc.text, "tokens": tokens, "spans": spans}


def _read_prodigy(path: Path, skipped: list[Skipped]) -> Iterator[Annotation]:
    for number, record in enumerate(read_records(path), start=1):
        fields, text_id = record.fields, str(number)
        if fields.get("answer") != "accept":
            reason = f"answer: {fields['answer']}" if "answer" in fields else "not annotated"
            skipped.append(Skipped(text_id, "", reason))
            continue
        spans = fields.get("spans")
        if isinstance(spans, list):
            spans = [_as_list(span, "start", "end", "label") for span in spans]
        annotator = fields.get("_annotator_id") or fields.get("_session_id") or ""
        yield Annotation(
            text_id,
            record.text,
            str(annotator),
            parse_spans(spans or [], record.text, record.where),
        )


def _as_list(span: Any, *keys: str) -> Any:
    """The values of a span that is an object; what is none is for `parse_spans` to refuse."""
    return [span.get(key) for key in keys] if isinstance(span, dict) else span
