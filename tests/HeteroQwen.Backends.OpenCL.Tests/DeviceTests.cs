using System.Collections.Immutable;
using HeteroQwen.Ir;
using HeteroQwen.Conformance;

namespace HeteroQwen.Backends.OpenCL.Tests;

public sealed class DeviceTests
{
    [Fact]
    public void Devices_name_every_device_or_say_why_there_is_none()
    {
        Assert.True(new OpenClBackend().Devices(out ImmutableArray<DeviceInfo> devices).IsOk);
        Assert.NotEmpty(devices);
        Assert.All(devices, (d, i) => Assert.Equal(i, d.Index));
        Assert.All(devices, d => Assert.NotEqual(d.Available, d.Reason is { Length: > 0 }));
        Assert.All(devices, d => Assert.NotEmpty(d.Name));
    }

    [Fact]
    public void Devices_are_there()
    {
        OpenCl.Demand();
        Assert.True(new OpenClBackend().Devices(out ImmutableArray<DeviceInfo> devices).IsOk);
        Assert.True(devices[0].Available);
        Assert.True(devices[0].MemoryBytes > 0);
    }

    [Fact]
    public void Open_refuses_indices_and_options_that_are_not_there()
    {
        Status far = new OpenClBackend().Open(1000, Attributes.Empty, out IDevice? none);
        Assert.Equal(StatusCode.Unavailable, far.Code);
        Assert.Null(none);
        Status odd = new OpenClBackend().Open(0, new Attributes(("threads", 2L)), out none);
        Assert.Equal(StatusCode.InvalidArgument, odd.Code);
        Assert.Contains("threads", odd.Message, StringComparison.Ordinal);
        Assert.Null(none);
    }

    [Fact]
    public void Open_refuses_a_device_that_is_broken_with_its_reason()
    {
        OpenCl.Demand();
        Status status = new OpenClBackend { Facts = f => f with { Reason = "it smells" } }.Open(0, Attributes.Empty, out IDevice? none);
        Assert.Equal(StatusCode.Unavailable, status.Code);
        Assert.Contains("it smells", status.Message, StringComparison.Ordinal);
        Assert.Null(none);
    }

    [Fact]
    public void Capabilities_are_those_that_the_device_tells()
    {
        using OpenClDevice device = OpenCl.Open();
        Assert.Equal(device.Facts.LargestBuffer, device.Capabilities.LargestBuffer);
        Assert.Equal(device.Facts.MemoryBytes, device.Capabilities.MemoryBytes);
        Assert.True(int.IsPow2(device.Capabilities.Alignment));
    }

    [Fact]
    public void Allocate_beyond_the_memory_of_the_device_is_refused_before_the_driver_sees_it()
    {
        using OpenClDevice device = OpenCl.Open(new OpenClBackend { Facts = f => f with { MemoryBytes = 1 << 20, LargestBuffer = 1 << 20 } });
        Assert.True(device.Allocate(MemoryKind.Device, 700_000, out IBuffer? first).IsOk);
        Status status = device.Allocate(MemoryKind.Device, 700_000, out IBuffer? second);
        Assert.Equal(StatusCode.OutOfMemory, status.Code);
        Assert.Null(second);
        first!.Dispose();
        Assert.True(device.Allocate(MemoryKind.Device, 700_000, out second).IsOk);
        second!.Dispose();
    }

    [Fact]
    public void Runtime_cases_pass()
    {
        // Those of a thousand rounds are left to `conform`.
        string[] wrong = Conform.Run(
            new OpenClBackend { Store = null }, (_, c) => RuntimeCases.All(Profile.Quick, c).Where(r => !r.Id.Contains("leak", StringComparison.Ordinal)));
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }
}
