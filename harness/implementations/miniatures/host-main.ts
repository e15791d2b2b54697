import { blockingLines } from '../host/blocking-lines.ts';
import { serveHost } from '../host/server.ts';
import { makeWrongHost, WRONG_HOSTS } from './wrong-hosts.ts';

// `node host-main.js NAME`: a wrong host behind the protocol.

const wrong = WRONG_HOSTS[process.argv[2] ?? ''];
if (wrong === undefined) throw new Error(`no host '${process.argv[2]}'`);
const { writer = (write) => write } = wrong;
const lines = blockingLines();
serveHost(makeWrongHost(wrong), { read: lines.read, write: writer(lines.write) });
