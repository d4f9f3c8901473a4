// npm's coap-packet behind a line protocol: {"datagram": hex} is parsed, a message is generated.

const packet = require('coap-packet')
const readline = require('readline')

const TYPES = ['confirmable', 'non', 'ack', 'reset']
const LONGEST = 65536

// coap-packet names the options it knows; numbers are found again by generating each name alone.
const numberOf = name => {
  if (/^\d+$/.test(name)) return Number(name)
  const bytes = packet.generate({ options: [{ name, value: Buffer.alloc(0) }] })
  const delta = bytes[4] >> 4
  return delta < 13 ? delta : delta === 13 ? bytes[5] + 13 : bytes.readUInt16BE(5) + 269
}

const parse = hex => {
  const m = packet.parse(Buffer.from(hex, 'hex'))
  const [cls, detail] = m.code.split('.').map(Number)
  return {
    type: m.confirmable ? 0 : m.ack ? 2 : m.reset ? 3 : 1,
    code: cls << 5 | detail,
    token: m.token.toString('hex'),
    message_id: m.messageId,
    options: m.options.map(o => [numberOf(o.name), o.value.toString('hex')]),
    payload: m.payload.toString('hex')
  }
}

const generate = m => packet.generate({
  [TYPES[m.type]]: true,
  code: `${m.code >> 5}.${String(m.code & 31).padStart(2, '0')}`,
  token: Buffer.from(m.token, 'hex'),
  messageId: m.message_id,
  options: m.options.map(([n, v]) => ({ name: String(n), value: Buffer.from(v, 'hex') })),
  payload: Buffer.from(m.payload, 'hex')
}, LONGEST).toString('hex')

readline.createInterface({ input: process.stdin }).on('line', line => {
  const m = JSON.parse(line)
  console.log(JSON.stringify('datagram' in m ? parse(m.datagram) : { datagram: generate(m) }))
})
