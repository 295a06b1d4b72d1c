// Replays a stream of the event store and prints each event.
'use strict';

const { given, text, json, print, connectToStore, end } = require('./muon');
const subscription = require('./subscription');

connectToStore('interop-replay', (muon, transport, store) => {
  const args = json('args', {});
  for (const name of ['stream-type', 'sub-name', 'token']) {
    if (given[name] !== undefined) args[name] = given[name];
  }
  if (given.from !== undefined) args.from = json('from');
  const replayOf = text('stream');
  if (given.grants === undefined) return subscription.run(muon, transport, { args, replayOf });
  if (!store) { print({ error: 'no event store' }); return end(muon, 1); }
  args['stream-name'] = replayOf;
  subscription.run(muon, transport, { target: store.identifier, path: '/stream', args });
});
