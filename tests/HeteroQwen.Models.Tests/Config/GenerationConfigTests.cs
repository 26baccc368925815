using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class GenerationConfigTests
{
    private static GenerationConfig Read(string? text, ICollection<string>? warnings = null)
    {
        using TempFolder folder = new();
        string path = text is null ? folder.File("generation_config.json") : folder.Write("generation_config.json", text);
        return GenerationConfig.Load(path, ConfigFile.Read(ConfigFile.Dense, ("eos_token_id", "5")), warnings);
    }

    [Fact]
    public void Load_absent_file_is_greedy_with_the_eos_of_the_config()
    {
        GenerationConfig g = Read(null);
        Assert.False(g.DoSample);
        Assert.Equal([5], g.EosTokenIds);
    }

    [Fact]
    public void Load_reads_what_is_there()
    {
        GenerationConfig g = Read(
            """{"eos_token_id":[7,8],"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95,"min_p":0.1,"pad_token_id":1}""");
        Assert.Equal((true, 0.6, 20, 0.95, 0.1), (g.DoSample, g.Temperature, g.TopK, g.TopP, g.MinP));
        Assert.Equal((1.0, 0.0, 0.0), (g.RepetitionPenalty, g.PresencePenalty, g.FrequencyPenalty));
        Assert.Equal([7, 8], g.EosTokenIds);
    }

    [Fact]
    public void Load_reads_penalties_which_hold_without_sampling_too()
    {
        GenerationConfig g = Read("""{"repetition_penalty":1.05,"presence_penalty":-1.5,"frequency_penalty":0.5}""");
        Assert.Equal((false, 1.05, -1.5, 0.5), (g.DoSample, g.RepetitionPenalty, g.PresencePenalty, g.FrequencyPenalty));
    }

    [Fact]
    public void Load_missing_fields_are_those_of_transformers()
    {
        GenerationConfig g = Read("""{"do_sample":true,"top_p":null}""");
        Assert.Equal((1.0, 50, 1.0, 0.0), (g.Temperature, g.TopK, g.TopP, g.MinP));
        Assert.Equal([5], g.EosTokenIds);
    }

    [Fact]
    public void Load_setting_that_is_not_honoured_is_a_warning()
    {
        List<string> warnings = [];
        Read("""{"no_repeat_ngram_size":3,"num_beams":1}""", warnings);
        Assert.Contains("no_repeat_ngram_size", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("temperature", "-1")]
    [InlineData("temperature", "1e999")]
    [InlineData("top_k", "-1")]
    [InlineData("top_k", "0.5")]
    [InlineData("top_p", "1.5")]
    [InlineData("top_p", "0")]
    [InlineData("min_p", "\"0.1\"")]
    [InlineData("repetition_penalty", "0")]
    [InlineData("presence_penalty", "2.5")]
    [InlineData("frequency_penalty", "-2.5")]
    [InlineData("do_sample", "1")]
    [InlineData("eos_token_id", "[320]")]
    public void Load_value_out_of_range_is_refused_by_name(string key, string json) => Sentence.AssertNames(
        Assert.Throws<UserErrorException>(() => Read($"{{\"{key}\":{json}}}")), "generation_config.json", key);
}
