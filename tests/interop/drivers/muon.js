// What the drivers share: the published client, arguments, and one line of JSON for each thing that happens.
'use strict';

// On a current Node the client's logger takes this for a browser; nothing else is done to the library.
global.window = global;
process.env.LEVEL = process.env.LEVEL || 'error';
// The library logs by console.log; the standard output is for our lines alone.
console.log = console.error;

const core = require('muon-core');

// `--name value` and `--name` for true. A value that is JSON is taken as such where the driver asks for JSON.
function parse(argv) {
  const given = {};
  for (let at = 0; at < argv.length; at++) {
    if (!argv[at].startsWith('--')) fail(`'${argv[at]}' should be --name value`);
    const name = argv[at].slice(2);
    const valued = at + 1 < argv.length && !argv[at + 1].startsWith('--');
    given[name] = valued ? argv[++at] : 'true';
  }
  return given;
}

const given = parse(process.argv.slice(2));

function text(name, otherwise) {
  if (given[name] !== undefined) return given[name];
  if (otherwise === undefined) fail(`--${name} is needed`);
  return otherwise;
}

const number = (name, otherwise) => Number(text(name, String(otherwise)));

// The value as JSON, or as text where it is none. `@file` is read from a file.
function json(name, otherwise) {
  if (given[name] === undefined) return otherwise;
  let value = given[name];
  if (value.startsWith('@')) value = require('fs').readFileSync(value.slice(1), 'utf8');
  try {
    return JSON.parse(value);
  } catch (_) {
    return value;
  }
}

function print(line) {
  require('fs').writeSync(1, JSON.stringify(line) + '\n');
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

// As `connect`, and once an event store is known, or `--within ms` (10000) are over: the library itself looks only once.
function connectToStore(name, whenReady) {
  connect(name, undefined, (muon, transport, services) => {
    const deadline = Date.now() + number('within', 10000);
    const look = () => {
      const store = services.findServiceWithTags(['eventstore']);
      if (store || Date.now() >= deadline) whenReady(muon, transport, store);
      else setTimeout(look, 50);
    };
    look();
  });
}

// Calls back with the client once both its transport and its discovery are ready.
function connect(name, tags, whenReady) {
  const url = process.env.NEWTON_AMQP_URL || fail('NEWTON_AMQP_URL is not set');
  const muon = core.create(text('service', name), url, undefined, tags);
  muon.infrastructure().getTransport().then(
    (transport) => muon.discovery().discoverServices((services) => whenReady(muon, transport, services)),
    (error) => { print({ error: String(error) }); process.exit(1); });
  return muon;
}

// Ends the process, after what was sent has gone out.
function end(muon, code) {
  setTimeout(() => {
    try { muon.shutdown(); } catch (error) { console.error(error); }
    setTimeout(() => process.exit(code || 0), 100);
  }, 300);
}

// A server says that it is ready, and stays for as long as its standard input is open.
function serve(muon) {
  print({ ready: true });
  process.stdin.resume();
  process.stdin.on('end', () => end(muon));
}

// Adds a protocol that the published library has only the client side of. `open` is called for each channel with a function
// that sends a step and its payload, and gives back what takes the messages.
function addServerProtocol(muon, name, open) {
  const service = muon.infrastructure().config.serviceName;
  muon.infrastructure().serverStacks.addProtocol({
    name: () => name,
    protocolHandler: () => ({
      server: () => {
        let connection, peer = 'n/a';
        const receive = open((step, payload) =>
          connection.send(core.Messages.muonMessage(payload, service, peer, name, step)));
        return {
          setDownstreamConnection: (given) => { connection = given; },
          sendUpstream: (message) => {
            peer = message.origin_service;
            receive(message.step, core.Messages.decode(message.payload));
          },
        };
      },
    }),
  });
}

module.exports = { core, text, number, json, print, fail, connect, connectToStore, end, serve, addServerProtocol, given };
