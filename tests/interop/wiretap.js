// Records every message that the broker is given, by its firehose: `.ci/services rabbitmqctl trace_on` turns that on.
'use strict';

const amqp = require('amqplib');
const zlib = require('zlib');

// Gives a function that ends the recording and gives the messages. Keep-alives are kept once for each direction.
exports.start = async function start(url) {
  const connection = await amqp.connect(url);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'amq.rabbitmq.trace', 'publish.#');
  const messages = [];
  await channel.consume(queue, (message) => messages.push(recorded(message)), { noAck: true });
  return async () => {
    await connection.close();
    return only(messages);
  };
};

function recorded(message) {
  const trace = message.properties.headers;
  const properties = trace.properties;
  return {
    exchange: String(trace.exchange_name),
    routing_key: String(trace.routing_keys[0]),
    properties: withoutEmpty({
      content_type: properties.content_type, delivery_mode: properties.delivery_mode, headers: properties.headers,
    }),
    // Word for word; a password of a broker is no fixture.
    body: message.content.toString('utf8').replace(/amqp:\/\/[^@"]*@[0-9.:]*/g, 'amqp://user:password@127.0.0.1'),
  };
}

const withoutEmpty = (object) => JSON.parse(JSON.stringify(object));

// What a reader sees in an envelope: the payloads inflated and decoded, down to the multiplexed message.
function decoded(body) {
  const envelope = JSON.parse(body);
  if (!Array.isArray(envelope.payload)) return undefined;
  return opened(envelope);
}

function opened(envelope) {
  let bytes = Buffer.from(envelope.payload);
  if (envelope.content_type === 'application/json+DEFLATE') bytes = zlib.inflateSync(bytes);
  const text = bytes.toString('utf8');
  let payload;
  try { payload = JSON.parse(text); } catch (_) { payload = text; }
  if (payload && payload.channelId && payload.message) payload.message = opened(payload.message);
  else if (payload && Array.isArray(payload.body)) payload.body = opened({ payload: payload.body }).payload;
  return Object.assign({}, envelope, { payload });
}

function only(messages) {
  const kept = new Set();
  return messages.filter(({ routing_key, body }) => {
    if (!body.includes('"keep-alive"')) return true;
    const first = !kept.has(routing_key);
    kept.add(routing_key);
    return first;
  }).map((message) => {
    const seen = decoded(message.body);
    return seen ? Object.assign(message, { decoded: seen }) : message;
  });
}
