using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class BadInputTests
{
    [Theory]
    [InlineData(2, "rnu", "'rnu'", "did you mean run?")]
    [InlineData(2, "devices --jsn", "'--jsn'", "did you mean --json?")]
    [InlineData(2, "run --presicion=fast hi", "'--presicion=fast'", "did you mean --precision?")]
    [InlineData(2, "run hi there", "'there'", "--help")]
    [InlineData(2, "run hi --plugin x.dll", "--plugin x.dll", "no such file")]
    [InlineData(2, "devices --plugin /", "--plugin /", "a folder")]
    [InlineData(2, "inspect --lowered --plugin heteroqwen.dll", "--plugin heteroqwen.dll")]
    [InlineData(2, "[diagram]", "'[diagram]'")]
    [InlineData(2, "run -n", "'-n'", "--help")]
    [InlineData(2, "run -n many hi", "-n many", "whole number")]
    [InlineData(2, "run -t 0 hi", "-t 0", "from 1")]
    [InlineData(2, "run -b reference -t 4 hi", "reference", "1 thread")]
    [InlineData(2, "run --temp hot hi", "--temp hot", "0 to 100")]
    [InlineData(2, "run --temp nan hi", "--temp nan", "0 to 100")]
    [InlineData(2, "run --temp -1 hi", "--temp -1", "0 to 100")]
    [InlineData(2, "run --top-k 1.5 hi", "--top-k 1.5", "0 to 16777216")]
    [InlineData(2, "run --top-p 1.1 hi", "--top-p 1.1", "0 to 1")]
    [InlineData(2, "run --min-p 2 hi", "--min-p 2", "0 to 1")]
    [InlineData(2, "run --repeat-penalty 0 hi", "--repeat-penalty 0", "0.01 to 100")]
    [InlineData(2, "run --presence-penalty -2.5 hi", "--presence-penalty -2.5", "-2 to 2")]
    [InlineData(2, "run --frequency-penalty 3 hi", "--frequency-penalty 3", "-2 to 2")]
    [InlineData(2, "run --seed -1 hi", "--seed -1", "0 to 2147483647")]
    [InlineData(2, "run --logit-bias 5 hi", "--logit-bias 5", "--logit-bias 42=-5")]
    [InlineData(2, "run --logit-bias 5=200 hi", "5=200", "-100 to 100")]
    [InlineData(2, "run --logit-bias 5=1 --logit-bias 5=2 hi", "token 5", "already")]
    [InlineData(2, "run --logit-bias 1536=1 hi", "token 1536", "0 to 1535")]
    [InlineData(2, "run --repetition-penalty 1.1 hi", "'--repetition-penalty'", "did you mean --repeat-penalty?")]
    [InlineData(2, "run --kv f8 hi", "--kv f8", "f32, f16, bf16 or q8_0")]
    [InlineData(2, "run --precision half hi", "--precision half", "exact or fast")]
    [InlineData(2, "run --think --no-think hi", "--think", "--no-think")]
    [InlineData(2, "run --tokens 1 --raw", "--raw", "--tokens")]
    [InlineData(2, "run --system x --tokens 1", "--system", "--tokens")]
    [InlineData(2, "run hi --tokens 1", "PROMPT and --tokens")]
    [InlineData(2, "run", "there is no prompt", "--messages")]
    [InlineData(2, "run -m tinny hi", "tinny", "tiny, tiny-moe")]
    [InlineData(2, "run --tokens 1,two", "'two'", "number 2 of 2", "1,2,3")]
    [InlineData(2, "run --tokens 1,1536", "1536", "0 to 1535")]
    [InlineData(2, "run -c 9 hello", "11 tokens", "context holds 9", "-c")]
    [InlineData(2, "run -c 0 hello", "-c 0")]
    [InlineData(2, "logits --tokens 1,5000", "5000", "0 to 1535")]
    [InlineData(2, "logits", "--tokens", "--text")]
    [InlineData(2, "logits --tokens 1 -o /no/such/folder/x.json", "/no/such/folder")]
    [InlineData(2, "detokenize 1,99999", "99999")]
    [InlineData(2, "template /no/such/file.json", "/no/such/file.json")]
    [InlineData(2, "template /", "/", "cannot be read")]
    [InlineData(2, "tokenize", "no text")]
    [InlineData(2, "inspect /no/such/model", "/no/such/model", "tiny")]
    [InlineData(2, "quantize tiny", "OUT", "--help")]
    [InlineData(2, "quantize tiny x.gguf", "--type q8_0|")]
    [InlineData(2, "quantize tiny x.gguf --type q5_0", "--type q5_0", "q4_k_m")]
    [InlineData(2, "quantize tiny x.bin --type q8_0", "x.bin", "end in .gguf")]
    [InlineData(2, "quantize tiny /no/such/folder/x.gguf --type q8_0", "/no/such/folder", "make it first")]
    [InlineData(2, "quantize /no/such/model x.gguf --type q8_0", "/no/such/model", "tiny")]
    [InlineData(2, "run -b reference --tier fast hi", "reference", "tier")]
    [InlineData(2, "logits --tier nosuch --tokens 1", "nosuch", "tier")]
    [InlineData(2, "bench -p 0 -n 0", "-p", "-n")]
    [InlineData(2, "bench -p 8,x", "'x'", "128,512")]
    [InlineData(2, "bench -n 8-4", "'8-4'", "range")]
    [InlineData(2, "bench -d 1-100000", "-d 1-100000", "1000 numbers")]
    [InlineData(2, "bench -t 1,0", "'0'", "from 1")]
    [InlineData(2, "bench -r 0", "-r 0", "from 1")]
    [InlineData(2, "bench -o html", "-o html", "jsonl")]
    [InlineData(2, "bench --per-op -o csv", "--per-op", "-o csv")]
    [InlineData(2, "bench -d 4000", "4512 tokens", "2048")]
    [InlineData(2, "bench -d 2147483647 -n 2147483647", "4294967294 tokens", "2048")]
    [InlineData(2, "bench -b reference -t 2", "reference", "1 thread")]
    [InlineData(2, "bench --tier nosuch", "nosuch", "tier")]
    [InlineData(3, "bench -b cpu,gpu", "-b gpu", "cpu, reference and opencl")]
    [InlineData(3, "run -b cpu:no-such-chip hi", "cpu:no-such-chip", "0 devices", "part of a name")]
    [InlineData(3, "run -b opencl:99 hi", "opencl:99", "devices")]
    [InlineData(3, "run -b gpu hi", "-b gpu", "cpu, reference and opencl")]
    [InlineData(3, "logits -b refrence --tokens 1", "did you mean reference?")]
    [InlineData(3, "run -b cpu:1 hi", "-b cpu:1", "heteroqwen devices")]
    public void Wrong_line_is_refused_with_one_sentence(int code, string line, params string[] parts) =>
        HeteroQwenProcess.Run(line.Split(' ')).MustRefuse(code, parts);

    [Theory]
    [InlineData("{", "no valid JSON")]
    [InlineData("[]", "messages")]
    [InlineData("""{"messages":[{"role":"judge","content":"x"}]}""", "judge")]
    public void Wrong_messages_are_refused(string messages, string part) =>
        HeteroQwenProcess.RunWithInput(messages, "run", "--messages", "-").MustRefuse(2, "standard input", part);

    [Fact]
    public void Unknown_template_is_refused_unless_the_prompt_is_raw()
    {
        using TempFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "models", "tiny")))
        {
            File.Copy(file, folder.File(Path.GetFileName(file)));
        }

        folder.Write("chat_template.jinja", "{{ messages }}");
        HeteroQwenProcess.Run("run", "-m", folder.Path, "hi").MustRefuse(2, "chat_template.jinja", "--raw");
        HeteroQwenProcess.Run("run", "-m", folder.Path, "--raw", "-n", "2", "hi").MustSucceed();
    }

    [Fact]
    public void Refused_prompt_leaves_an_existing_file_alone()
    {
        using TempFolder folder = new();
        string file = folder.Write("logits.json", "precious");
        HeteroQwenProcess.Run("logits", "--tokens", "1,5000", "-o", file).MustRefuse(2, "5000");
        Assert.Equal("precious", File.ReadAllText(file));
    }
}
