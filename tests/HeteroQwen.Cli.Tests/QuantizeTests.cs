using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class QuantizeTests
{
    [Fact]
    public void Quantize_writes_a_model_that_answers_and_says_what_became_of_the_weights()
    {
        using TempFolder folder = new();
        string path = folder.File("tiny.gguf");
        Outcome outcome = HeteroQwenProcess.Run("quantize", "tiny", path, "--type", "bf16", "-t", "2").MustSucceed();
        Assert.Equal("", outcome.Error);
        Assert.Contains("bits per weight", outcome.Out, StringComparison.Ordinal);
        Assert.Contains($"{path}: ", outcome.Out, StringComparison.Ordinal);
        JsonElement inspected = HeteroQwenProcess.Run("inspect", path, "--json").MustSucceed().Json;
        Assert.Equal(["f32", "bf16"], inspected.GetProperty("weight_bytes").EnumerateObject().Select(t => t.Name));
        Assert.True(inspected.GetProperty("tokenizer").GetProperty("template_known").GetBoolean());
        string Answer(string model) => HeteroQwenProcess.Run("run", "-m", model, "What is 47 + 85?", "--no-think").MustSucceed().Out;
        Assert.Equal(Answer("tiny"), Answer(path));
    }

    [Fact]
    public void Quantize_replaces_a_file_only_when_told_to()
    {
        using TempFolder folder = new();
        string path = folder.Write("x.gguf", "old");
        HeteroQwenProcess.Run("quantize", "tiny", path, "--type", "bf16").MustRefuse(2, path, "--force");
        Assert.Equal("old", File.ReadAllText(path));
        HeteroQwenProcess.Run("quantize", "tiny", path, "--type", "bf16", "--force").MustSucceed();
        HeteroQwenProcess.Run("inspect", path).MustSucceed();
    }

    [Fact]
    public void Quantize_that_finds_no_space_says_so_and_leaves_nothing()
    {
        using TempFolder folder = new();
        string path = folder.File("x.gguf");

        // The limit is on the size of any file, and with W^X the runtime makes a large one for its code.
        string line = $"trap '' XFSZ; ulimit -f 4000; DOTNET_EnableWriteXorExecute=0 heteroqwen quantize tiny {path} --type bf16";
        HeteroQwenProcess.RunInShell(line).MustRefuse(2, path, "space left");
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Quantize_notes_what_is_lost_again()
    {
        using TempFolder folder = new();
        string first = folder.File("first.gguf");
        HeteroQwenProcess.Run("quantize", "tiny", first, "--type", "q8_0").MustSucceed();
        Outcome again = HeteroQwenProcess.Run("quantize", first, folder.File("second.gguf"), "--type", "q4_0").MustSucceed();
        Assert.Contains("note: what was quantised before loses again", again.Error, StringComparison.Ordinal);
    }
}
