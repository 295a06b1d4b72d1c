// Publishes streams: /numbers (args.count, 25), /endless, /broken. Prints what each subscriber asks for.
'use strict';

const { print, connect, serve, addServerProtocol } = require('./muon');

const streams = {
  '/numbers': (args) => ({ length: Number(args.count || 25), error: null }),
  '/endless': () => ({ length: Infinity, error: null }),
  '/broken': () => ({ length: 1, error: 'broken after one' }),
};

// The published library has only the subscriber's side, so this is written here, upon its server stack.
const muon = connect('interop-publish', undefined, () => serve(muon));
addServerProtocol(muon, 'reactive-stream', (send) => {
  let stream, next = 0, credit = 0, over = false;
  const flow = () => {
    while (!over && credit > 0 && next < stream.length) {
      credit--;
      send('Data', { number: next++ });
    }
    if (!over && next >= stream.length) {
      over = true;
      if (stream.error) send('Errored', { error: stream.error });
      else send('Completed', {});
    }
  };
  return (step, payload) => {
    print({ step, payload });
    if (step === 'SubscriptionRequested') {
      const made = streams[payload.streamName];
      stream = made && made(payload.args || {});
      send(stream ? 'SubAck' : 'SubNack', {});
    } else if (step === 'DataRequested' && stream) {
      credit += payload.request;
      flow();
    } else if (step === 'Cancelled' || step === 'ChannelShutdown' || step === 'ChannelFailure') {
      over = true;
    }
  };
});
