namespace HeteroQwen.TestSupport;

/// <summary>Finds the data under <c>tests/Golden</c> from wherever the tests run inside the repository.</summary>
internal static class TestData
{
    public static IReadOnlyList<string> GoldenModels { get; } =
    [
        "dense-bf16", "dense-f16", "dense-long-f32", "dense-outlier-f32", "dense-tied-f32", "dense-untied-f32-sharded", "dense-yarn-f32",
        "moe-bf16", "moe-f32", "moe-mixed-f32",
    ];

    public static string Path(string relative) => System.IO.Path.Combine(Root(), relative);

    private static string Root()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string golden = System.IO.Path.Combine(at.FullName, "tests", "Golden");
            if (Directory.Exists(golden))
            {
                return golden;
            }
        }

        throw new DirectoryNotFoundException($"no tests/Golden above {AppContext.BaseDirectory}");
    }
}
