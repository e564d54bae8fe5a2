-- What a prompt's tokens of sound cost, which some models charge above those of text.
--
-- The way back is down/0010_audio_prices.sql. Code of the release before bills such tokens as others.

-- NULL charges them as other input.
ALTER TABLE catalogue ADD COLUMN audio_input_price INTEGER CHECK (audio_input_price BETWEEN 0 AND 9007199254740991);
ALTER TABLE models ADD COLUMN audio_input_price INTEGER CHECK (audio_input_price BETWEEN 0 AND 9007199254740991);
