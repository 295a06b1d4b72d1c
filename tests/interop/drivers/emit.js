// Emits one event, or several at once, or one for each line of its input, and prints each result.
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
  if (given['each-line']) return emitEach(muon, event);
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

// One after another, each as its line comes; ends with its input.
function emitEach(muon, event) {
  print({ ready: true });
  const lines = require('readline').createInterface({ input: process.stdin });
  lines.on('line', (line) => muon.emit(Object.assign({}, event, { id: line })).then(
    (result) => print({ line, result }),
    (failed) => print({ line, failed })));
  lines.on('close', () => end(muon));
}
