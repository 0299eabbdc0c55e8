-- Who did it, where nobody knows, in the language of a reader.
create or replace function tidings.someone(locale text)
    returns text
    language sql
    immutable
    parallel safe
return case split_part(lower(replace(locale, '_', '-')), '-', 1)
    when 'de' then 'Jemand'
    when 'es' then 'Alguien'
    when 'fr' then 'Quelqu’un'
    when 'it' then 'Qualcuno'
    when 'nl' then 'Iemand'
    when 'pt' then 'Alguém'
    else 'Someone'
end;
