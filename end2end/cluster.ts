// The cluster that KUBECONFIG names, as its administrator sees it: enough of its API for what a story does behind the portal's back.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, resolve } from 'node:path';

export const KUBECONFIG = process.env.SLIPWAY_TEST_KUBECONFIG ?? '';

interface Answer {
  status: number;
  // What the API server says: its shape is Kubernetes' own.
  body: any;
}

export class Cluster {
  private readonly server: URL;
  private readonly identity: { ca: Buffer; cert: Buffer; key: Buffer };

  constructor(path = KUBECONFIG) {
    const text = readFileSync(path, 'utf8');
    const said = (name: string) => new RegExp(`${name}: "?([^\\s"]+)`).exec(text)?.[1];
    const of = (name: string) => {
      const [data, file] = [said(`${name}-data`), said(name)];
      if (data) return Buffer.from(data, 'base64');
      if (file) return readFileSync(resolve(dirname(path), file));
      throw new Error(`${path} has no ${name}`);
    };
    this.server = new URL(said('server') ?? '');
    this.identity = { ca: of('certificate-authority'), cert: of('client-certificate'), key: of('client-key') };
  }

  /** One request; `body` becomes JSON, of PATCH a merge. */
  ask(method: string, path: string, body?: object): Promise<Answer> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return new Promise((answered, failed) => {
      const sent = request(new URL(path, this.server), { method, ...this.identity, headers: { 'Content-Type': type, Accept: 'application/json' } }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => answered({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString() || '{}') }));
      });
      sent.on('error', failed);
      sent.end(body && JSON.stringify(body));
    });
  }

  /** The same, where a refusal ends the story. */
  async must(method: string, path: string, body?: object): Promise<any> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`);
    return answer.body;
  }

  /** A node that is only an object: the scheduler sends pods to it, and nobody runs them. Its heartbeat lasts for the story. */
  async node(name: string, label: string, has: Record<string, string>): Promise<void> {
    await this.must('POST', '/api/v1/nodes', { metadata: { name, labels: { 'slipway.test/story': label } } });
    const ready = { type: 'Ready', status: 'True', reason: 'Played', message: '' };
    await this.must('PATCH', `/api/v1/nodes/${name}/status`, { status: { capacity: has, allocatable: has, conditions: [ready] } });
    const lease = { metadata: { name }, spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: new Date().toISOString().replace('Z', '000Z') } };
    await this.must('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', lease);
  }

  async removeNode(name: string): Promise<void> {
    await this.ask('DELETE', `/api/v1/nodes/${name}`);
    await this.ask('DELETE', `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
  }
}
