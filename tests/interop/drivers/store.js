// A stand-in for an event store, as small as the wire allows, upon the published server stack: it lets the client's emits
// and replays be tried, and recorded, with nothing but the published library on both ends. In memory; `--token` is checked.
'use strict';

const { given, print, connect, serve, addServerProtocol } = require('./muon');

const events = [];
const followers = new Set();

const muon = connect('interop-store', ['photon', 'eventstore'], () => serve(muon));
const allowed = (token) => given.token === undefined || token === given.token;

addServerProtocol(muon, 'event', (send) => (step, event) => {
  print({ step, event });
  if (step !== 'EventEmitted') return;
  if (!allowed(event.token)) return send('EventProcessed', { status: 'FAILED', cause: 'the token is not known' });
  const cause = events.find((earlier) => String(earlier['order-id']) === String(event['caused-by']));
  const stored = {
    id: event.id || require('crypto').randomUUID(),
    'event-type': event['event-type'],
    'stream-name': event['stream-name'],
    schema: event.schema || '1',
    'caused-by-id': cause ? cause.id : event['caused-by'],
    'caused-by-relation': event['caused-by-relation'],
    'service-id': event['service-id'] || 'n/a',
    'order-id': events.length + 1,
    'event-time': Date.now(),
    payload: event.payload,
  };
  events.push(stored);
  send('EventProcessed', { status: 'PERSISTED', orderId: stored['order-id'], eventTime: stored['event-time'] });
  for (const flow of followers) flow();
});

addServerProtocol(muon, 'reactive-stream', (send) => {
  let args, next, credit = 0, over = false;
  const matches = (event) => args['stream-name'] === '__all__' || event['stream-name'] === args['stream-name'];
  const flow = () => {
    while (!over && credit > 0 && next < events.length) {
      const event = events[next++];
      if (matches(event)) { credit--; send('Data', event); }
    }
    if (!over && args['stream-type'] === 'cold' && !events.slice(next).some(matches)) {
      over = true;
      send('Completed', {});
    }
  };
  return (step, payload) => {
    print({ step, payload });
    if (step === 'SubscriptionRequested') {
      args = Object.assign({ 'stream-type': 'hot-cold' }, payload.args);
      if (payload.streamName !== '/stream' || !allowed(args.token)) return send('SubNack', {});
      const from = Number(args.from || 0);
      next = args['stream-type'] === 'hot' ? events.length : Math.max(0, from - 1);
      followers.add(flow);
      send('SubAck', {});
    } else if (step === 'DataRequested') {
      credit += payload.request;
      flow();
    } else {
      over = true;
      followers.delete(flow);
    }
  };
});

muon.handle('/stream-names', (_request, respond) => {
  const names = Array.from(new Set(events.map((event) => event['stream-name']))).sort();
  respond({ streams: names.map((name) => ({ 'stream-name': name })) });
});
