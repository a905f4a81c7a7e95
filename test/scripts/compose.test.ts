/** docker-compose.yml read as Compose reads it: its shape, its order of start, and that nothing leaves loopback. */
import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { DYNAMIC_CONFIG } from '../../src/host/engine/flags.js';

interface Service {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const root = new URL('../../', import.meta.url);
const read = (path: string): unknown => parse(readFileSync(new URL(path, root), 'utf8'), { version: '1.2', strict: true });
const compose = read('docker-compose.yml') as Compose;
const services = Object.entries(compose.services);

/** The part of the Compose specification that the file uses, closed, so that a misspelt key is found. */
const strings = { type: 'array', items: { type: 'string' } };
const duration = { type: 'string', pattern: '^[0-9]+(ms|s|m)$' };
const schema = {
  type: 'object', additionalProperties: false, required: ['name', 'services', 'volumes'],
  properties: {
    name: { type: 'string' },
    volumes: { type: 'object', additionalProperties: { type: 'null' } },
    services: {
      type: 'object',
      additionalProperties: {
        type: 'object', additionalProperties: false, required: ['image', 'restart'],
        properties: {
          image: { type: 'string', pattern: '^[a-z/-]+:[0-9][0-9.]*$' },
          restart: { enum: ['unless-stopped', 'on-failure:6'] },
          environment: { type: 'object', additionalProperties: { type: 'string' } },
          ports: strings, volumes: strings, entrypoint: strings, command: strings,
          depends_on: {
            type: 'object',
            additionalProperties: {
              type: 'object', additionalProperties: false, required: ['condition'],
              properties: { condition: { enum: ['service_healthy', 'service_completed_successfully'] } },
            },
          },
          healthcheck: {
            type: 'object', additionalProperties: false, required: ['test'],
            properties: { test: strings, interval: duration, timeout: duration, start_period: duration, retries: { type: 'integer' } },
          },
        },
      },
    },
  },
};

test('has the shape of a Compose file with pinned images', () => {
  const ajv = new Ajv({ allErrors: true });
  ajv.validate(schema, compose);
  expect(ajv.errors).toBeNull();
});

test('publishes ports on loopback only, Temporal on 7233', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  expect(ports).toContain('127.0.0.1:7233:7233');
});

test('starts in an order that exists: whoever is waited for as healthy has a health check', () => {
  for (const [, service] of services) {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(compose.services).toHaveProperty(name);
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined();
    }
  }
});

test('mounts only declared volumes and folders of the repository', () => {
  for (const volume of services.flatMap(([, service]) => service.volumes ?? [])) {
    const source = volume.split(':')[0] ?? '';
    if (source.startsWith('./')) expect(existsSync(new URL(source, root))).toBe(true);
    else expect(compose.volumes).toHaveProperty(source);
  }
});

test('gives the server the settings of the embedded one, but for the partitions', () => {
  const file = read('deploy/temporal/dynamicconfig.yaml') as Record<string, readonly { readonly value: unknown }[]>;
  const values = Object.fromEntries(Object.entries(file).map(([key, [first]]) => [key, first?.value]));
  const embedded = Object.fromEntries(Object.entries(DYNAMIC_CONFIG).filter(([key]) => !key.includes('Partitions')));
  expect(values).toEqual(embedded);
});
