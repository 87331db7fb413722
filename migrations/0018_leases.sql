-- Which of several processes on this database does what only one may do. `epoch` counts its holders, `beat` what the present one says.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    -- Empty where nobody has it.
    holder TEXT NOT NULL
);
INSERT INTO leases (name, epoch, beat, holder) VALUES ('supervisor', 0, 0, '');
