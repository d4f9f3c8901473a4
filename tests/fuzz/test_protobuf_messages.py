"""The device's Protobuf codec beside Google's: generated messages of every type, both ways."""

import subprocess
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.dual import prepare_cpython
from tools.unixport import LIBRARIES, environment, micropython

prepare_cpython(Path(__file__).parent)

from coap import TransferError  # noqa: E402
from thingsboard.protobuf import decode, encode  # noqa: E402

RECODE = Path(__file__).with_name("recode.py")
Field = descriptor_pb2.FieldDescriptorProto
ENUM = (("LOW", 0), ("HIGH", 5), ("NEGATIVE", -3))


def ints(bits, signed):
    least = -(1 << bits - 1) if signed else 0
    most = (1 << bits - (1 if signed else 0)) - 1
    return st.one_of(st.integers(least, most), st.sampled_from((least, most, 0)))


SCALARS = {
    "double": st.floats(allow_nan=False),
    "float": st.floats(allow_nan=False, width=32),
    "int32": ints(32, True),
    "int64": ints(64, True),
    "uint32": ints(32, False),
    "uint64": ints(64, False),
    "sint32": ints(32, True),
    "sint64": ints(64, True),
    "fixed32": ints(32, False),
    "fixed64": ints(64, False),
    "sfixed32": ints(32, True),
    "sfixed64": ints(64, True),
    "bool": st.booleans(),
    "string": st.text(max_size=20),
    "bytes": st.binary(max_size=20),
}
INNER = {name: (number, name) for number, name in enumerate(SCALARS, 1)}
OUTER = {
    **{name: (number, name) for number, name in enumerate(SCALARS, 1)},
    **{"all_" + name: (number, [name]) for number, name in enumerate(SCALARS, 100)},
    "mode": (200, ENUM),
    "modes": (201, [ENUM]),
    "inner": (2000, INNER),
    "inners": (2001, [INNER]),
}


def google():
    """Return Google's class for OUTER."""
    file = descriptor_pb2.FileDescriptorProto(name="fuzz.proto", package="f", syntax="proto3")
    enum = file.enum_type.add(name="Mode")
    for name, number in ENUM:
        enum.value.add(name=name, number=number)
    for message_name, schema in (("Inner", INNER), ("Outer", OUTER)):
        message = file.message_type.add(name=message_name)
        for name, (number, kind) in schema.items():
            field = message.field.add(name=name, number=number)
            field.label = Field.LABEL_REPEATED if isinstance(kind, list) else Field.LABEL_OPTIONAL
            kind = kind[0] if isinstance(kind, list) else kind
            if kind is INNER:
                field.type, field.type_name = Field.TYPE_MESSAGE, ".f.Inner"
            elif kind is ENUM:
                field.type, field.type_name = Field.TYPE_ENUM, ".f.Mode"
            else:
                field.type = getattr(Field, "TYPE_" + kind.upper())
            if field.label == Field.LABEL_OPTIONAL and kind is not INNER:
                field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
                message.oneof_decl.add(name="_" + name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("f.Outer"))


OuterMessage = google()
INNERS = st.fixed_dictionaries({}, optional=SCALARS)
MODES = st.sampled_from(("LOW", "HIGH", "NEGATIVE"))
OUTERS = st.fixed_dictionaries(
    {},
    optional={
        **SCALARS,
        **{"all_" + name: st.lists(of, min_size=1, max_size=3) for name, of in SCALARS.items()},
        "mode": MODES,
        "modes": st.lists(MODES, min_size=1, max_size=3),
        "inner": INNERS,
        "inners": st.lists(INNERS, min_size=1, max_size=3),
    },
)


def filled(values):
    return OuterMessage(**values)


@settings(max_examples=300, deadline=None)
@given(OUTERS)
def test_google_reads_what_we_write(values):
    assert OuterMessage.FromString(encode(OUTER, values)) == filled(values)


@settings(max_examples=300, deadline=None)
@given(OUTERS)
def test_we_read_what_google_writes(values):
    assert decode(OUTER, filled(values).SerializeToString()) == values


@settings(max_examples=300, deadline=None)
@given(OUTERS, st.data())
def test_damaged_messages_are_refused_or_read(values, data):
    message = bytearray(filled(values).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        if message:
            at = data.draw(st.integers(0, len(message) - 1))
            message[at] = data.draw(st.integers(0, 255))
    try:
        decode(OUTER, bytes(message))
    except TransferError:
        pass


def test_micropython_reads_and_writes_the_same(tmp_path):
    cases = []

    @settings(max_examples=200, deadline=None, phases=[Phase.generate])
    @given(OUTERS)
    def collect(values):
        cases.append(filled(values))

    collect()
    schema, corpus = tmp_path / "schema", tmp_path / "corpus"
    schema.write_text(repr(OUTER))
    corpus.write_text("".join(f"{case.SerializeToString().hex()}\n" for case in cases))
    run = subprocess.run(
        [micropython(), "-X", "heapsize=4M", str(RECODE), str(schema), str(corpus)],
        env=environment(*LIBRARIES),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    recoded = [OuterMessage.FromString(bytes.fromhex(line)) for line in run.stdout.splitlines()]
    assert recoded == cases
