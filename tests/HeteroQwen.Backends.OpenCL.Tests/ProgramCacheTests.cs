using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Backends.OpenCL.Tests;

public sealed class ProgramCacheTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_gives_what_was_written_and_nothing_of_what_was_not()
    {
        BinaryStore store = new(_folder.File("a/b"));
        Assert.Null(store.Read("key"));
        store.Write("key", [1, 2, 3]);
        Assert.Equal([1, 2, 3], store.Read("key"));
        Assert.Single(Directory.GetFiles(_folder.File("a/b")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(35)]
    public void Read_of_a_file_that_is_cut_short_gives_nothing(int length)
    {
        BinaryStore store = new(_folder.Path);
        store.Write("key", [1, 2, 3, 4]);
        File.WriteAllBytes(store.PathOf("key"), File.ReadAllBytes(store.PathOf("key"))[..length]);
        Assert.Null(store.Read("key"));
    }

    [Fact]
    public void Read_of_a_file_with_a_flipped_bit_gives_nothing()
    {
        BinaryStore store = new(_folder.Path);
        store.Write("key", [1, 2, 3, 4]);
        byte[] bytes = File.ReadAllBytes(store.PathOf("key"));
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] spoilt = [.. bytes];
            spoilt[i] ^= 0x10;
            File.WriteAllBytes(store.PathOf("key"), spoilt);
            Assert.Null(store.Read("key"));
        }
    }

    [Fact]
    public void Write_where_no_folder_can_be_made_is_no_error()
    {
        string file = _folder.Write("file", "");
        BinaryStore store = new(Path.Combine(file, "below"));
        store.Write("key", [1]);
        Assert.Null(store.Read("key"));
    }

    [Fact]
    public void Write_from_many_threads_leaves_one_whole_file()
    {
        byte[][] contents = [.. Enumerable.Range(0, 4).Select(i => Enumerable.Repeat((byte)i, 50_000).ToArray())];
        List<string> torn = [];
        Thread[] threads = [.. contents.Select(content => new Thread(() =>
        {
            BinaryStore store = new(_folder.Path);
            for (int round = 0; round < 20; round++)
            {
                store.Write("key", content);
                byte[]? found = store.Read("key");
                if (found is null || !contents.Any(c => c.AsSpan().SequenceEqual(found)))
                {
                    lock (torn)
                    {
                        torn.Add($"round {round}");
                    }
                }
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Empty(torn);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Kernels_work_from_the_source_from_the_disk_and_over_a_file_that_the_driver_refuses()
    {
        BinaryStore store = new(_folder.Path);
        Assert.Equal([-3f, 4f], Negate(store));
        string file = Assert.Single(Directory.GetFiles(_folder.Path));
        byte[] kept = File.ReadAllBytes(file);
        Assert.Equal([-3f, 4f], Negate(store));
        Assert.Equal(kept, File.ReadAllBytes(file));

        // A whole entry, with a hash that is right, of what is no program.
        store.Write(Path.GetFileNameWithoutExtension(file), [.. Enumerable.Repeat((byte)0x5A, 1000)]);
        Assert.Equal([-3f, 4f], Negate(store));
        Assert.NotEqual(1032, new FileInfo(file).Length);
    }

    [Fact]
    public void Get_of_a_program_that_does_not_compile_is_refused_with_the_log()
    {
        using OpenClDevice device = OpenCl.Open();
        StatusException refused = Assert.Throws<StatusException>(() => device.Programs.Get("copy.cl", "-D WG=1 -D BLOCK=1 -D MOVE=no_such_type"));
        Assert.Contains("copy.cl", refused.Message, StringComparison.Ordinal);
        Assert.Contains("no_such_type", refused.Message, StringComparison.Ordinal);
    }

    private static float[] Negate(BinaryStore store)
    {
        using OpenClDevice device = OpenCl.Open(new OpenClBackend { Store = store });
        return OpRunner.Run(device, Unary.Instance, [TestTensor.Of([3f, -4f], 2)], new Attributes(("kind", "neg")))[0].Floats();
    }
}
