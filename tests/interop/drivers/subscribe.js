// Subscribes to a stream of any service and prints each item.
'use strict';

const { text, json, connect } = require('./muon');
const subscription = require('./subscription');

connect('interop-subscribe', undefined, (muon, transport) => {
  subscription.run(muon, transport, { target: text('to'), path: text('path'), args: json('args', {}) });
});
