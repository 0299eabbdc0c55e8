/** Every route of `/openapi.json`, with a request that fits and every place in it that takes text. */

/** A place in a request. */
export type Place = {
    readonly in: 'path' | 'query' | 'header' | 'body';
    /** The parameter's name; of a body, the way to the field. */
    readonly path: readonly string[];
};

/** A route and what it takes. */
export type DocumentedRoute = {
    readonly method: string;
    readonly path: string;
    readonly body: unknown;
    readonly places: readonly Place[];
};

// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes.
type Document = any;

/** Reads the document. */
export function documentedRoutes(document: Document): readonly DocumentedRoute[] {
    return Object.entries<Document>(document.paths).flatMap(([path, methods]) =>
        Object.entries<Document>(methods).map(([method, { parameters = [], requestBody }]) => {
            const schema = resolved(requestBody?.content?.['application/json']?.schema, document);
            const named = parameters.map((parameter: Document) => ({ in: parameter.in, path: [parameter.name] }));
            return {
                method: method.toUpperCase(),
                path,
                body: schema === undefined ? undefined : exampleOf(schema, document),
                places: [...named, ...textsOf(schema, document).map((way) => ({ in: 'body' as const, path: way }))],
            };
        }),
    );
}

function resolved(schema: Document, document: Document): Document {
    const name: string | undefined = schema?.$ref?.split('/').at(-1);
    return name === undefined ? schema : resolved(document.components.schemas[name], document);
}

/** A value that fits: of a schema with alternatives, the first. */
function exampleOf(given: Document, document: Document): unknown {
    const schema = resolved(given, document);
    if (schema.example !== undefined) return schema.example;
    if (schema.enum !== undefined) return schema.enum[0];
    if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0], document);
    if (schema.properties !== undefined) {
        const required: readonly string[] = schema.required ?? [];
        return Object.fromEntries(required.map((name) => [name, exampleOf(schema.properties[name], document)]));
    }
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    return { string: 'text', integer: schema.minimum ?? 1, number: 1, boolean: true, object: {}, array: [] }[
        type as string
    ];
}

/** The ways to all texts in a body, and `*` for the name of a field that may be called anything. */
function textsOf(given: Document, document: Document, way: readonly string[] = []): readonly (readonly string[])[] {
    const schema = resolved(given, document);
    if (schema === undefined) return [];
    const nested: readonly (readonly string[])[] = (schema.anyOf ?? []).flatMap((one: Document) =>
        textsOf(one, document, way),
    );
    const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
        textsOf(field, document, [...way, name]),
    );
    const free = typeof schema.additionalProperties === 'object' ? [[...way, '*']] : [];
    const own = [schema.type].flat().includes('string') ? [way] : [];
    return [...own, ...nested, ...fields, ...free];
}
