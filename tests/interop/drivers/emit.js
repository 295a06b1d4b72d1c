// Emits one event, or several at once, and prints each result.
'use strict';

const { given, text, number, json, print, connectToStore, end } = require('./muon');

connectToStore('interop-emit', (muon) => {
  const event = {
    'event-type': text('type', 'Happened'),
    'stream-name': text('stream'),
    payload: json('payload', {}),
  };
  for (const name of ['id', 'schema', 'caused-by-relation', 'service-id', 'token', 'provider']) {
    if (given[name] !== undefined) event[name] = given[name];
  }
  if (given['caused-by'] !== undefined) event['caused-by'] = json('caused-by');
  const count = number('count', 1);
  const results = [];
  for (let index = 0; index < count; index++) {
    const one = count === 1 ? event : Object.assign({}, event, { payload: { index, of: event.payload } });
    results.push(muon.emit(one).then(
      (result) => print({ index, result }),
      (failed) => print({ index, failed })));
  }
  Promise.all(results).then(() => end(muon));
});
