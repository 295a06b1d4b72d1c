// Replays a stream of the event store and prints each event.
'use strict';

const { given, text, json, print, connect, end } = require('./muon');
const subscription = require('./subscription');

connect('interop-replay', undefined, (muon, transport, services) => {
  const args = json('args', {});
  for (const name of ['stream-type', 'sub-name', 'token']) {
    if (given[name] !== undefined) args[name] = given[name];
  }
  if (given.from !== undefined) args.from = json('from');
  const replayOf = text('stream');
  if (given.grants === undefined) return subscription.run(muon, transport, { args, replayOf });
  const store = services.findServiceWithTags(['eventstore']);
  if (!store) { print({ error: 'no event store' }); return end(muon, 1); }
  args['stream-name'] = replayOf;
  subscription.run(muon, transport, { target: store.identifier, path: '/stream', args });
});
