// What the published client does with itself: a server's driver, then clients' drivers and what they must print.
'use strict';

const assert = require('assert');

const store = ['store'];
const umlauts = { name: 'Grüße', face: '😀', nested: { list: [1, 2.5, null, true], deep: { er: 'ö' } } };
const data = (lines) => lines.filter((line) => line.data).map((line) => line.data);
const last = (lines) => lines[lines.length - 1];
const emit = (stream, ...more) => ['emit', '--stream', stream, '--payload', JSON.stringify(umlauts), ...more];
const persisted = (lines) => lines.forEach(({ result }) => assert.strictEqual(result.status, 'PERSISTED'));
const numbers = (count) => Array.from({ length: count }, (_, number) => ({ number }));
const twelve = { client: ['emit', '--stream', 'many', '--count', '12'], holds: persisted };

module.exports = [
  { name: 'emit', server: store, steps: [
    { client: emit('orders', '--type', 'Placed', '--id', 'order 7/ä', '--schema', 'v1 (draft)', '--token', 'secret'), holds: persisted },
    { client: emit('orders', '--type', 'Paid', '--caused-by', '1', '--caused-by-relation', 'CAUSED'), holds: persisted },
  ] },
  { name: 'emit-refused', server: ['store', '--token', 'secret'], steps: [
    { client: emit('orders', '--token', 'wrong'), holds: ([line]) => assert.strictEqual(line.result.status, 'FAILED') },
  ] },
  { name: 'emit-without-store', steps: [
    { client: emit('orders'), holds: ([line]) => assert.match(line.failed.cause, /No event store/) },
  ] },
  { name: 'replay-cold', server: store, steps: [
    twelve,
    { client: ['replay', '--stream', 'many', '--stream-type', 'cold'],
      holds: (lines) => { assert.strictEqual(data(lines).length, 12); assert.deepStrictEqual(last(lines), { completed: 12 }); } },
    { client: ['replay', '--stream', 'many', '--stream-type', 'cold', '--from', '11'],
      holds: (lines) => assert.deepStrictEqual(data(lines).map((event) => event['order-id']), [11, 12]) },
    { client: ['replay', '--stream', 'unknown', '--stream-type', 'cold'],
      holds: (lines) => assert.deepStrictEqual(lines, [{ completed: 0 }]) },
  ] },
  { name: 'replay-hot-cold', server: store, steps: [
    twelve,
    { client: ['replay', '--stream', 'many', '--stream-type', 'hot-cold', '--count', '13'], meanwhile: emit('many'),
      after: 12, holds: (lines) => assert.deepStrictEqual(data(lines)[12].payload, umlauts) },
    { client: ['replay', '--stream', 'many', '--stream-type', 'hot-cold', '--from', '13', '--cancel-after', '1'],
      holds: (lines) => assert.deepStrictEqual(last(lines), { cancelled: 1 }) },
  ] },
  { name: 'replay-granted', server: store, steps: [
    twelve,
    { client: ['replay', '--stream', 'many', '--stream-type', 'hot-cold', '--grants', '3,4'],
      holds: (lines) => { assert.strictEqual(data(lines).length, 7); assert.deepStrictEqual(last(lines), { cancelled: 7 }); } },
  ] },
  { name: 'replay-refused', server: ['store', '--token', 'secret'], steps: [
    { client: ['replay', '--stream', 'many', '--stream-type', 'cold', '--token', 'wrong'],
      holds: (lines) => assert.deepStrictEqual(lines, [{ error: 'Stream does not exist' }]) },
  ] },
  { name: 'rpc', server: ['rpc-server'], steps: [
    { client: ['rpc-client', '--to', 'interop-rpc-server', '--path', '/echo', '--body', JSON.stringify(umlauts)],
      holds: ([{ response }]) => { assert.strictEqual(response.status, 200); assert.deepStrictEqual(response.body, { body: umlauts }); } },
    { client: ['rpc-client', '--to', 'interop-rpc-server', '--path', '/auth', '--auth', '{"token":"secret"}'],
      holds: ([{ response }]) => assert.deepStrictEqual(response.body, { auth: { token: 'secret' } }) },
    { client: ['rpc-client', '--to', 'interop-rpc-server', '--path', '/nothing'],
      holds: ([{ response }]) => assert.strictEqual(response.status, '404') },
  ] },
  { name: 'introspect', server: ['rpc-server'], steps: [
    { client: ['introspect', '--to', 'interop-rpc-server'],
      holds: ([{ report }]) => assert.strictEqual(report.protocols[0].operations[0].resource, '/echo') },
  ] },
  { name: 'stream', server: ['publish'], steps: [
    { client: ['subscribe', '--to', 'interop-publish', '--path', '/numbers', '--args', '{"count":12}'],
      holds: (lines) => { assert.deepStrictEqual(data(lines), numbers(12)); assert.deepStrictEqual(last(lines), { completed: 12 }); } },
    { client: ['subscribe', '--to', 'interop-publish', '--path', '/endless', '--grants', '10'],
      holds: (lines) => assert.deepStrictEqual(data(lines), numbers(10)) },
    { client: ['subscribe', '--to', 'interop-publish', '--path', '/broken'],
      holds: (lines) => assert.deepStrictEqual(last(lines), { error: { error: 'broken after one' } }) },
    { client: ['subscribe', '--to', 'interop-publish', '--path', '/unknown'],
      holds: (lines) => assert.deepStrictEqual(lines, [{ error: 'Stream does not exist' }]) },
  ] },
  { name: 'discovery', server: ['announce', '--tags', 'interop,announced'], broadcasts: true, steps: [
    { client: ['discover', '--tags', 'announced'],
      holds: ([{ found }]) => assert.strictEqual(found.identifier, 'interop-announce') },
  ] },
];
