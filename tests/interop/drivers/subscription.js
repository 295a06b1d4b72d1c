// One subscription, printed: by the client's own API, or with grants of one's own through its protocol.
'use strict';

const { core, number, text, print, end } = require('./muon');
const protocol = require('muon-core/distribution/protocol/streaming/client-protocol');

// `url` is stream://service/path, or nothing for a replay of the event store.
exports.run = function run(muon, transport, { target, path, args, replayOf }) {
  const wanted = number('count', Infinity);
  const cancelAfter = number('cancel-after', Infinity);
  const grants = text('grants', '');
  let seen = 0, over = false, control;

  const finish = (line) => {
    if (over) return;
    over = true;
    print(line);
    end(muon);
  };
  const onData = (data) => {
    if (over) { print({ late: data }); return; }
    seen++;
    print({ data });
    if (seen === cancelAfter) { control.cancel(); finish({ cancelled: seen }); }
    else if (seen === wanted) finish({ counted: seen });
  };
  const onError = (error) => finish({ error });
  const onComplete = () => finish({ completed: seen });

  if (grants) control = granted(grants.split(',').map(Number), { onData, onError, onComplete, finish, seen: () => seen });
  else if (replayOf) control = muon.replay(replayOf, args, onData, onError, onComplete);
  else control = muon.subscribe(`stream://${target}${path}`, args, onData, onError, onComplete);

  function granted(amounts, on) {
    const channel = transport.openChannel(target, 'reactive-stream');
    let subscription, due = 0;
    const grant = () => {
      const amount = amounts.shift();
      due += amount;
      print({ granted: amount });
      subscription.request(amount);
    };
    // After the last grant nothing more may come; so much time a peer gets to break that.
    const settle = () => setTimeout(() => {
      subscription.cancel();
      on.finish({ cancelled: on.seen() });
    }, number('linger', 1000));
    protocol.create({
      onSubscribe: (given) => { subscription = given; grant(); },
      onNext: (data) => {
        on.onData(data);
        if (on.seen() === due) { if (amounts.length) grant(); else settle(); }
      },
      onError: on.onError,
      onComplete: on.onComplete,
    }, channel, target, muon.infrastructure().config.serviceName, path, args).start();
    return { cancel: () => subscription.cancel() };
  }
};
