"""The default schemas of ThingsBoard's Protobuf profiles, without a compiler, and users' own."""

from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError, Message

from tools.protobuf import compiled

from .errors import BadRequest
from .values import compact

# name: fields as "number name type"; ? marks explicit presence, * a repeated field.
SCHEMAS = {
    "InnerObject": "1 key1 string?,2 key2 bool?,3 key3 double?,4 key4 int32?,5 key5 string?",
    "SensorDataReading": "1 temperature double?,2 humidity double?,3 innerObject InnerObject",
    "SensorConfiguration": "1 firmwareVersion string?,2 serialNumber string?",
    "RpcRequestMsg": "1 method string?,2 requestId int32?,3 params string?",
    "RpcResponseMsg": "1 payload string?",
    "ClaimDevice": "1 secretKey string,2 durationMs int64",
    "RpcRequest": "1 method string,2 params string",
    "KeyValueProto": "1 key string,2 type int32,3 bool_v bool,4 long_v int64,5 double_v double,"
    "6 string_v string,7 json_v string",
    "TsKvProto": "1 ts int64,2 kv KeyValueProto,3 version int64?",
    "GetAttributeResponseMsg": "1 requestId int32,2 clientAttributeList TsKvProto*,"
    "3 sharedAttributeList TsKvProto*,4 isMultipleAttributesRequest bool,5 error string,"
    "6 sharedStateMsg bool",
    "AttributeUpdateNotificationMsg": "1 sharedUpdated TsKvProto*,2 sharedDeleted string*",
    "ProvisionDeviceCredentialsMsg": "1 provisionDeviceKey string,2 provisionDeviceSecret string",
    "ValidateDeviceTokenRequestMsg": "1 token string",
    "ValidateDeviceX509CertRequestMsg": "1 hash string",
    "ValidateBasicMqttCredRequestMsg": "1 clientId string,2 username string,3 password string",
    "CredentialsDataProto": "1 accessToken ValidateDeviceTokenRequestMsg,"
    "2 certificate ValidateDeviceX509CertRequestMsg,3 basic ValidateBasicMqttCredRequestMsg",
    "ProvisionDeviceRequestMsg": "1 deviceName string,2 credentialsType int32,"
    "3 provisionDeviceCredentialsMsg ProvisionDeviceCredentialsMsg,"
    "4 credentialsDataProto CredentialsDataProto,5 gateway bool",
    "ProvisionDeviceResponseMsg": "1 status int32,2 credentialsType int32,"
    "3 credentialsValue string",
    "ToServerRpcResponseMsg": "1 requestId int32,2 payload string,3 error string",
}


def _build() -> dict:
    """Return the message classes of SCHEMAS by name."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="tbsim.proto", package="tb", syntax="proto3")
    for name, fields in SCHEMAS.items():
        message = file.message_type.add(name=name)
        for text in fields.split(","):
            number, field_name, kind = text.split()
            field = message.field.add(name=field_name, number=int(number), json_name=field_name)
            field.label = kinds.LABEL_REPEATED if kind[-1] == "*" else kinds.LABEL_OPTIONAL
            if kind[-1] == "?":
                field.proto3_optional = True
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name="_" + field_name)
            kind = kind.rstrip("*?")
            if kind in SCHEMAS:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".tb.{kind}"
            else:
                field.type = getattr(kinds, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"tb.{name}")) for name in SCHEMAS}


CLASSES = _build()


def read(name: str, body: bytes) -> dict:
    """Return the fields of a message by their names; BadRequest if it is none."""
    return parse(CLASSES[name], body)


def write(name: str, values: dict) -> bytes:
    return serialize(CLASSES[name], values)


def root_class(path: Path) -> type[Message]:
    """Return the class of a .proto file's last message, which is its root on the server.

    Raises tools.protobuf.Refused.
    """
    file = compiled(path)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    name = ".".join(filter(None, [file.package, file.message_type[-1].name]))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def parse(kind: type[Message], body: bytes) -> dict:
    """Return the fields of a message by their names; BadRequest if it is none."""
    message = kind()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise BadRequest(f"no {kind.DESCRIPTOR.name}") from None
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def serialize(kind: type[Message], values: dict) -> bytes:
    message = json_format.ParseDict(values, kind())
    return message.SerializeToString(deterministic=True)


def entries(values: dict, ts: int) -> list[dict]:
    """Return TsKvProto dicts with a time in Unix milliseconds; types: BOOLEAN_V 0, LONG_V 1,
    DOUBLE_V 2, STRING_V 3, JSON_V 4.
    """
    result = []
    for key, value in values.items():
        if isinstance(value, bool):
            kv = {"type": 0, "bool_v": value}
        elif isinstance(value, int):
            kv = {"type": 1, "long_v": value}
        elif isinstance(value, float):
            kv = {"type": 2, "double_v": value}
        elif isinstance(value, str):
            kv = {"type": 3, "string_v": value}
        else:
            kv = {"type": 4, "json_v": compact(value).decode()}
        result.append({"ts": ts, "kv": {"key": key, **kv}})
    return result
