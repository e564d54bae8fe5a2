-- The way back from 0010_audio_prices.sql. Tokens of sound are billed as others again.
ALTER TABLE models DROP COLUMN audio_input_price;
ALTER TABLE catalogue DROP COLUMN audio_input_price;
