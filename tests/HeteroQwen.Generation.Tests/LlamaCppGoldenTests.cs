using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>llama.cpp's golden files: exact logits against the float64 truth over the file's own weights, whatever their type.</summary>
public sealed class LlamaCppGoldenTests
{
    /// <summary>sum((a - b)^2) / sum(b^2) over all rows, as tests/Golden/README.md has it.</summary>
    private const double MaxNmse = 1e-10;

    public static TheoryData<string, string> Models =>
        [.. LlamaCppGolden.Runnable.SelectMany(m => (TheoryDataRow<string, string>[])[new("reference", m), new("cpu", m)])];

    [Theory]
    [MemberData(nameof(Models))]
    public void Exact_logits_are_within_the_bound_of_the_truth(string backend, string name)
    {
        LlamaCppGolden golden = LlamaCppGolden.Load(name);
        using OpenModel model = new(LlamaCppGolden.PathOf(name), new(backend) { Page = 128 });
        float[][] rows = model.Logits(golden.Tokens);
        Assert.Equal(golden.Logits64.Length, rows.Length);
        (double error, double norm, long count) = (0, 0, 0);
        foreach ((double[] truth, float[] row) in golden.Logits64.Zip(rows))
        {
            Assert.Equal(truth.Length, row.Length);
            error += truth.Zip(row, (b, a) => (a - b) * (a - b)).Sum();
            norm += truth.Sum(b => b * b);
            count += truth.Length;
        }

        Assert.True(error / norm <= MaxNmse, $"{name} on {backend}: NMSE {error / norm:E2}, beyond {MaxNmse:E0}");
        double margin = 3 * Math.Sqrt(error / count);
        foreach ((double[] truth, float[] row) in golden.Logits64.Zip(rows))
        {
            Best.AssertSame(truth, row, margin);
        }
    }

    [Theory]
    [InlineData("dense-untied-f32-sharded")]
    [InlineData("dense-yarn-f32")]
    [InlineData("dense-f16")]
    [InlineData("moe-bf16")]
    [InlineData("moe-mixed-f32")]
    public void A_folder_and_its_GGUF_file_give_the_same_logits(string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using TempFolder folder = new();
        string path;
        using (HuggingFaceFolder source = HuggingFaceFolder.Open(TestData.Path($"hf/{name}")))
        {
            path = folder.Write("model.gguf", GgufWriter.Of(source).ToBytes());
        }

        using OpenModel original = OpenModel.Golden(name, new("cpu"));
        using OpenModel converted = new(path, new("cpu"));
        OpenModel.AssertSameBits(original.Logits(golden.Tokens), converted.Logits(golden.Tokens));
    }
}
