/** `/openapi.json`: the document made from the very schemas that check the requests. */

import type { RestApp } from './api.ts';

const INFO = {
    title: 'Tidings',
    version: '1',
    description: 'REST of a Tidings server. Errors are `application/problem+json` with a `code`; see docs/rest.md.',
    license: { name: 'MIT', identifier: 'MIT' },
};

/** Registers the route. The document is made once, when first asked for, from all routes there are by then. */
export function openApiRoute(app: RestApp): void {
    app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
    });
    let document: object | undefined;
    app.get('/openapi.json', (c) => {
        document ??= app.getOpenAPI31Document({ openapi: '3.1.0', info: INFO, servers: [{ url: '/' }] });
        return c.json(document);
    });
}
