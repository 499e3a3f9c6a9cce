-- What happened in a clone of fixture_template: counters belong to a database and are not cloned with it.
delete from bloat.mostly_dead where id % 10 <> 0;
set enable_seqscan = off;
set enable_bitmapscan = off;
do $$
begin
  for n in 1..60 loop
    perform count(*) from indexes.events where account = n;
  end loop;
end
$$;
