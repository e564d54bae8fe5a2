use super::*;

/// No word, no number, and as long as what people paste.
const X: &str = "h1vauWv1zh87";

#[test]
fn a_value_behind_a_name_of_a_secret_is_one_however_it_is_written() {
    for text in [
        "[pypi]\nusername = __token__\npassword = X\n",
        "[default]\naws_secret_access_key = X",
        "API_KEY = X",
        "username: bob\npassword: X\n",
        "user: bob, pass: X",
        "The API key: X",
        "secret key: X is new",
        "curl https://a.example -d '{\"user\":\"bob\",\"password\":\"X\"}'",
        "config: {\"clientSecret\": \"X\", \"a\": 1}",
        "{\\\"api_key\\\": \\\"X\\\"}",
        "const password = \"X\"",
        "['user' => 'bob', 'password' => 'X']",
        "os.environ[\"API_KEY\"] = \"X\"",
        "requests.get(url, auth=(\"bob\", \"X\"))",
        "<user>bob</user><password>X</password>",
        "PGPASSWORD=X psql -h db",
        "MYSQL_PWD=X mysql",
        "mysql -u root -pX shop",
        "sshpass -p X ssh bob@a.example",
        "docker login -u bob -p X",
        "redis-cli -h db -a X ping",
        "git clone https://X@github.com/a/b.git",
        "https://X:x-oauth-basic@github.com/a/b.git",
        "kubectl --token=X get po",
        "acme --client-secret X",
        "curl -H 'Cookie: sid=X' https://a.example",
        "token: X",
        "Authorization: X",
        "api_key=abcdefgh",
        "password: swordfish",
        "password = swordfish",
        "foo=bar; sid=X",
        "API_KEY=${API_KEY:-X}",
        "OPENAI_API_KEY_PROD: X",
    ] {
        assert!(is_in_place(&text.replace('X', X)), "{text}");
    }
}

#[test]
fn what_speaks_of_secrets_numbers_and_references_has_none() {
    for text in [
        "tokens: 500",
        "Key: C minor",
        "cookies: allowed",
        "Cookie: chocolate chip",
        "Authorization: none",
        "authorization: required",
        "Token: ERC-20",
        "Key: value",
        "Keep the API key: it is needed.",
        "The key: be kind. The token: a word.",
        "https://x.example/?page_token=abc",
        "https://youtu.be/a?key=1",
        "API_KEY=your-api-key-here",
        "API_KEY=xxxxxxxx",
        "API_KEY=os.environ/OPENAI_API_KEY",
        "api_key: op://vault/item/field",
        "api_key = env:OPENAI_API_KEY",
        "api_key: ${{ secrets.API_KEY }}",
        "api_key: {{ secrets.API_KEY }}, mode: x",
        "client = Client(api_key=settings.api_key, password=get_password())",
        "api_key = os.getenv(\"API_KEY\")",
        "if password == other and token != last:",
        "https://john.smith@a.example/x",
        "docker run -p 8080:80 x; cp -a one two",
        "Password: ask the admin. Then go on.",
        "Enter the password: it is asked for twice.",
        "<token> and <user></user>",
        "step 1: token; step 2: key",
        "eos_token: </s>, stop_token: END",
        "curl -u user:pass https://a.example",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
        "sha256:0123456789abcdef0123456789abcdef",
    ] {
        assert!(!is_in_place(text), "{text}");
    }
}
