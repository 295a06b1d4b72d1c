// Runs every case (or those named) of the published client with itself. `--record` writes what went over the wire into
// captured/, for which the broker's firehose has to be on.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const cases = require('./cases');

const GUARD = 60000;

function driver([name, ...args], onLine) {
  const child = spawn(process.execPath, [path.join(__dirname, 'drivers', `${name}.js`), ...args],
    { stdio: ['pipe', 'pipe', 'pipe'], env: Object.assign({}, process.env, { NODE_NO_WARNINGS: '1' }) });
  const lines = [], errors = [];
  child.stderr.on('data', (chunk) => errors.push(chunk));
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line));
    if (onLine) onLine(lines);
  });
  const guard = setTimeout(() => child.kill('SIGKILL'), GUARD);
  const ended = new Promise((resolve, reject) => child.on('close', (code) => {
    clearTimeout(guard);
    if (code === 0) resolve(lines);
    else reject(new Error(`${name} ended with ${code}\n${Buffer.concat(errors)}`));
  }));
  return { child, ended, lines };
}

// A server, once it has said that it is ready.
function server(command) {
  return new Promise((resolve, reject) => {
    const started = driver(command, (lines) => { if (lines.some((line) => line.ready)) resolve(started); });
    started.ended.catch(reject);
  });
}

async function step({ client, meanwhile, after, holds }) {
  let started;
  const running = driver(client, (lines) => {
    if (meanwhile && !started && lines.length >= after) started = driver(meanwhile).ended;
  });
  const lines = await running.ended;
  await started;
  try {
    holds(lines);
  } catch (error) {
    throw new Error(`${client.join(' ')}: ${error.message}\nprinted ${JSON.stringify(lines)}`);
  }
}

async function run(one, record) {
  const stop = record && await require('./wiretap').start(process.env.NEWTON_AMQP_URL);
  const serving = one.server && await server(one.server);
  try {
    for (const each of one.steps) await step(each);
  } finally {
    if (serving) { serving.child.stdin.end(); await serving.ended; }
  }
  if (!stop) return;
  const messages = (await stop()).filter(({ exchange }) => one.broadcasts || exchange === '');
  if (messages.length) fs.writeFileSync(path.join(__dirname, 'captured', `${one.name}.json`),
    '[\n' + messages.map((message) => JSON.stringify(message)).join(',\n') + '\n]\n');
}

async function main() {
  const record = process.argv.includes('--record');
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  let failed = 0;
  for (const one of cases) {
    if (named.length && !named.includes(one.name)) continue;
    const began = Date.now();
    const outcome = await run(one, record).then(() => 'ok', (error) => { failed++; return `FAILED\n${error.stack}`; });
    console.log(`${one.name}: ${outcome} (${Date.now() - began} ms)`);
  }
  process.exit(failed ? 1 : 0);
}

main();
