import { describe, expect, test } from '@jest/globals';
import { REQUEST } from './implementations/module/server.ts';

const hello = { type: 'hello', id: 1, protocol: { major: 1, minor: 0 }, harness: { name: 'x', version: '1' } };

describe('a value that does not match its schema produces one plain sentence', () => {
  test.each<[unknown, string]>([
    [[], 'request: expected an object'],
    [{ id: 1 }, "request: expected a member 'type'"],
    [{ type: 'hallo', id: 1 }, 'request: unknown type "hallo"'],
    [{ type: 'hello', id: 1 }, "request: expected a member 'protocol'"],
    [{ ...hello, capabilities: {} }, "request: at /capabilities: expected a member 'lineMax'"],
    [{ ...hello, capabilities: 'all' }, 'request: at /capabilities: expected an object'],
    [{ type: 'ping', id: 1.5 }, 'request: at /id: expected a whole number'],
    [{ type: 'ping', id: -1 }, 'request: at /id: expected a whole number from 0 to 9007199254740991'],
    [{ type: 'run', id: 1, cases: 3 }, 'request: at /cases: expected a list'],
    [{ type: 'run', id: 1, cases: [], state: 'yes' }, 'request: at /state: expected true or false'],
  ])('%j', (value, message) => {
    expect(() => REQUEST.check(value, 'request')).toThrow(message);
  });
});
