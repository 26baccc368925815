namespace HeteroQwen.TestSupport;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("heteroqwen-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public string Write(string name, byte[] bytes)
    {
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    /// <summary>A copy of a golden model, to be spoilt.</summary>
    public static TempFolder CopyOf(string model)
    {
        TempFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(TestData.Path($"hf/{model}")))
        {
            System.IO.File.Copy(file, folder.File(System.IO.Path.GetFileName(file)));
        }

        return folder;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
