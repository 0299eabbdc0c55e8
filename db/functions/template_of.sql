-- The templates of a notification type in a locale: those of the locale, else of its language, else those for any.
create or replace function tidings.template_of(templates jsonb, locale text)
    returns jsonb
    language sql
    immutable
    parallel safe
return coalesce(
    templates -> lower(replace(locale, '_', '-')),
    templates -> split_part(lower(replace(locale, '_', '-')), '-', 1),
    templates -> ''
);
