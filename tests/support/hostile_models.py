"""Folders of models that strangers made to have more opened than weights, or more than what lies in them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Damage = Callable[[Path, Path], object]  # the model's folder, and one beside it that nobody named

INDEX = "model.safetensors.index.json"
CODE_OR_OUTSIDE = "expected a .safetensors file in the same folder"
NOT_BUILT_IN = "expected eager, sdpa"


class Hostile(NamedTuple):
    """What is done to a good folder, and what is said of it."""

    damage: Damage
    message: str


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def indexed(name: Any) -> Damage:
    """The weights under an index that names ``name``; a decoy stays."""

    def damage(folder: Path, outside: Path) -> None:
        (folder / "model.safetensors").rename(folder / "decoy.safetensors")
        given = str(outside / "model.safetensors") if name == "absolute" else name
        (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": {"a": "decoy.safetensors", "b": given}}))

    return damage


def only_pickled(folder: Path, outside: Path) -> None:
    indexed("pytorch_model-1.bin")(folder, outside)
    weight_map({"a": "pytorch_model-1.bin"})(folder, outside)


def weight_map(value: Any) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": value}))

    return damage


def linked(name: str) -> Damage:
    """One file is a link to its copy outside."""

    def damage(folder: Path, outside: Path) -> None:
        shutil.copy(folder / name, outside / name)
        (folder / name).unlink()
        (folder / name).symlink_to(outside / name)

    return damage


def linked_shard(folder: Path, outside: Path) -> None:
    indexed("part.safetensors")(folder, outside)
    (folder / "part.safetensors").symlink_to(outside / "model.safetensors")


def linked_index(folder: Path, outside: Path) -> None:
    indexed("decoy.safetensors")(folder, outside)
    linked(INDEX)(folder, outside)


def linked_through_a_folder(folder: Path, outside: Path) -> None:
    (folder / "inner").symlink_to(outside)
    indexed("inner/model.safetensors")(folder, outside)


def linked_template(folder: Path, outside: Path) -> None:
    (outside / "secret.jinja").write_text("secret")
    (folder / "additional_chat_templates").symlink_to(outside)


def linked_hidden_template(folder: Path, outside: Path) -> None:
    (outside / "secret.jinja").write_text("secret")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / ".hidden.jinja").symlink_to(outside / "secret.jinja")


def linked_into_a_false_cache(folder: Path, outside: Path) -> None:
    """As the hub's cache has it, but ``blobs`` is a link itself."""
    (folder.parents[1] / "blobs").symlink_to(outside)
    linked("vocab.txt")(touched("vocab.txt", folder), outside)


def touched(name: str, folder: Path) -> Path:
    (folder / name).write_text("a\n")
    return folder


def piped(name: str) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return damage


def configured(**changes: Any) -> Damage:
    return lambda folder, _: rewrite(folder / "config.json", **changes)


def written(name: str, content: Any) -> Damage:
    return lambda folder, _: (folder / name).write_text(json.dumps(content))


HOSTILE = {
    "a pickle in the index": Hostile(indexed("pytorch_model-1.bin"), CODE_OR_OUTSIDE),
    "only a pickle in the index": Hostile(only_pickled, CODE_OR_OUTSIDE),
    "a pickle in the index, by an ending": Hostile(indexed("model.safetensors.bin"), CODE_OR_OUTSIDE),
    "the folder above in the index": Hostile(indexed("../outside/model.safetensors"), CODE_OR_OUTSIDE),
    "an absolute name in the index": Hostile(indexed("absolute"), CODE_OR_OUTSIDE),
    "a backslash in the index": Hostile(indexed("..\\model.safetensors"), CODE_OR_OUTSIDE),
    "a NUL in the index": Hostile(indexed("a\0.safetensors"), CODE_OR_OUTSIDE),
    "half a character in the index": Hostile(indexed("\ud800.safetensors"), CODE_OR_OUTSIDE),
    "an empty name in the index": Hostile(indexed(""), CODE_OR_OUTSIDE),
    "a number in the index": Hostile(indexed(1), CODE_OR_OUTSIDE),
    "a list in the index": Hostile(indexed(["decoy.safetensors"]), CODE_OR_OUTSIDE),
    "an index of a list": Hostile(weight_map(["a"]), "does not say which file holds which weights"),
    "an index of a text": Hostile(weight_map("a"), "does not say which file holds which weights"),
    "an index of nothing": Hostile(weight_map({}), "does not say which file holds which weights"),
    "an index as a list": Hostile(written(INDEX, []), "does not describe a model"),
    "a part that is a link": Hostile(
        linked_shard, "part.safetensors is a link to .*, and attnviz reads nothing outside"
    ),
    "an index that is a link": Hostile(linked_index, "index.json is a link to"),
    "a folder inside that is a link": Hostile(linked_through_a_folder, CODE_OR_OUTSIDE),
    "weights that are a link": Hostile(linked("model.safetensors"), "model.safetensors is a link to"),
    "settings that are a link": Hostile(linked("config.json"), "config.json is a link to"),
    "a tokenizer that is a link": Hostile(linked("tokenizer.json"), "tokenizer.json is a link to"),
    "templates that are a link": Hostile(linked_template, "additional_chat_templates is a link to"),
    "a hidden template that is a link": Hostile(linked_hidden_template, r"\.hidden\.jinja is a link to"),
    "a part that is a pipe": Hostile(piped("part.safetensors"), "part.safetensors is a pipe or a device"),
    "settings that are a pipe": Hostile(piped("config.json"), "config.json is a pipe or a device"),
    "a tokenizer that is a pipe": Hostile(piped("tokenizer.json"), "tokenizer.json is a pipe or a device"),
    "an adapter": Hostile(
        written("adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "evil/base"}),
        "holds an adapter",
    ),
    "a training's checkpoint": Hostile(
        written("shard-00000-model-00001-of-00002.safetensors", {}), "training's checkpoint"
    ),
    "a pickle as the weights' name": Hostile(
        configured(transformers_weights="adapter_model.bin"), "transformers_weights"
    ),
    "weights named above": Hostile(
        configured(transformers_weights="../outside/model.safetensors"), "transformers_weights"
    ),
    "older settings elsewhere": Hostile(
        configured(configuration_files=["config.4.0.0.json/../../x.json"]), "configuration_files"
    ),
    "a tokenizer named above": Hostile(
        written("tokenizer_config.json", {"fast_tokenizer_files": ["../outside/tokenizer.1.0.json"]}),
        "fast_tokenizer_files",
    ),
    "classes of another model": Hostile(
        written("preprocessor_config.json", {"repo_path": "evil/demo", "class_info_file": "a.json"}), "another model"
    ),
    "a kernel": Hostile(configured(attn_implementation="kernels-community/evil"), NOT_BUILT_IN),
    "a kernel by its private name": Hostile(configured(_attn_implementation="kernels-community/evil:f"), NOT_BUILT_IN),
    "a kernel by its inner name": Hostile(configured(_attn_implementation_internal="evil/kernel@main"), NOT_BUILT_IN),
    "a kernel behind a bar": Hostile(configured(attn_implementation="paged|evil/kernel"), NOT_BUILT_IN),
    "a kernel of a part": Hostile(configured(attn_implementation={"": "sdpa", "text_config": "evil/k"}), NOT_BUILT_IN),
    "a kernel in a part": Hostile(configured(text_config={"attn_implementation": "evil/kernel"}), NOT_BUILT_IN),
    "a kernel deep in lists": Hostile(configured(parts=[[{"a": {"_attn_implementation": ["evil/k"]}}]]), NOT_BUILT_IN),
    "a kernel for experts": Hostile(configured(experts_implementation="sonicmoe"), NOT_BUILT_IN),
    "a billion layers": Hostile(configured(num_hidden_layers=10**9), "at most 10,000 are built"),
    "a billion labels": Hostile(configured(num_labels=10**9), "at most 100,000 are built"),
}
