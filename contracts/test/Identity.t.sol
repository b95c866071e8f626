// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {Signing} from "./Signing.sol";

contract IdentityTest is Signing {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant OTHER = 0xB0B;
    uint256 private constant DEVICE = 0xD1;
    uint256 private constant DEVICE2 = 0xD2;

    IIdentity private identity;
    address private owner = vm.addr(OWNER);

    function setUp() public {
        vm.warp(1_800_000_000);
        identity = deployIdentity();
    }

    // ------------------------------------------------------------ keys

    /// @dev The expected values come from @libp2p/peer-id 6.0.15 and the private key 1, whose public key is
    /// the generator.
    function test_derive_matchesLibp2pForKnownKey() public view {
        (address device, bytes32 peerId) = identity.derive(
            0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
            0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8
        );
        assertEq(device, 0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf, "address of key 1");
        assertEq(
            peerId,
            sha256(hex"0025080212210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
            "PeerId of key 1"
        );
    }

    function testFuzz_derive_returnsAddressAndPeerIdOfKey(uint256 seed) public {
        uint256 k = boundPrivateKey(seed);
        (bytes32 x, bytes32 y) = publicKey(k);
        (address device, bytes32 peerId) = identity.derive(x, y);
        assertEq(device, vm.addr(k), "address");
        bytes1 parity = uint256(y) % 2 == 0 ? bytes1(0x02) : bytes1(0x03);
        assertEq(peerId, sha256(bytes.concat(hex"002508021221", parity, x)), "PeerId");
    }

    /// @dev Otherwise an attacker could combine a victim's x with another y of the same parity, which gives
    /// the victim's PeerId and an address of the attacker.
    function testFuzz_derive_revertsIfPointIsNotOnCurve(uint256 seed, bytes32 other) public {
        (bytes32 x, bytes32 y) = publicKey(boundPrivateKey(seed));
        uint256 p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
        vm.assume(other != y && uint256(other) != p - uint256(y));
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(x, other);
    }

    function test_derive_revertsIfCoordinateIsNotInField() public {
        uint256 p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
        // x = 1 is on the curve. x = p + 1 is congruent to it and would be a second name of the same point.
        bytes32 y = 0x4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE;
        identity.derive(bytes32(uint256(1)), y);
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(bytes32(p + 1), y);
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(bytes32(0), bytes32(0));
    }

    function test_register_isIdempotentForAnyCaller() public {
        (bytes32 x, bytes32 y) = publicKey(DEVICE);
        (address device, bytes32 peerId) = identity.derive(x, y);
        assertEq(identity.deviceOf(peerId), address(0), "unknown before registration");
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Registered(device, peerId, x, y);
        identity.register(x, y);
        vm.recordLogs();
        identity.register(x, y);
        assertEq(vm.getRecordedLogs().length, 0, "no event the second time");
        assertEq(identity.deviceOf(peerId), device, "device by PeerId");
        assertEq(identity.peerIdOf(device), peerId, "PeerId by device");
        assertEq(identity.ownerOf(device), address(0), "registering binds nothing");
    }

    function test_ownersOf_returnsOwnerOfEachDevice() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        address[] memory devices = new address[](2);
        devices[0] = address(0xBEEF);
        devices[1] = d.sessionKey;
        assertEq(identity.ownersOf(devices)[1], address(0), "before the binding");
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
        address[] memory owners = identity.ownersOf(devices);
        assertEq(owners.length, 2, "one for each device");
        assertEq(owners[0], address(0), "a device without owner");
        assertEq(owners[1], owner, "a bound device");
        vm.warp(uint256(d.validUntil) + 1);
        assertEq(identity.ownersOf(devices)[1], address(0), "after the delegation has ended");
    }

    // ------------------------------------------------------------ bind

    function test_bind_succeedsForAnyCaller() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Bound(owner, d.sessionKey, d.scope, d.validUntil, d.epoch);
        vm.prank(address(0xBEEF));
        identity.bind(x, y, d, o, c);
        assertEq(identity.ownerOf(d.sessionKey), owner, "owner");
        assertEq(identity.deviceOf(d.peerId), d.sessionKey, "bind registers the device");
        assertEq(identity.devicesOf(owner).length, 1, "one device");
        assertEq(identity.devicesOf(owner)[0], d.sessionKey, "device");
        IIdentity.Binding memory b = identity.bindingOf(d.sessionKey);
        assertEq(b.validUntil, d.validUntil, "validity");
        assertEq(b.scope, d.scope, "scope");
        assertFalse(b.revoked, "revoked");
    }

    function test_bind_listsEveryDevice() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        assertEq(identity.devicesOf(owner).length, 2, "two devices");
        assertEq(identity.devicesOf(owner)[0], first, "first");
        assertEq(identity.devicesOf(owner)[1], second, "second");
    }

    function test_bind_revertsIfOwnerDidNotSign() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        assertBindReverts(
            x,
            y,
            d,
            ownerSignature(OTHER, d),
            consentSignature(DEVICE, d),
            IIdentity.BadOwnerSignature.selector
        );
        assertBindReverts(x, y, d, "", consentSignature(DEVICE, d), IIdentity.BadOwnerSignature.selector);
    }

    function test_bind_revertsIfDeviceDidNotConsent() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        assertBindReverts(x, y, d, o, consentSignature(DEVICE2, d), IIdentity.BadConsentSignature.selector);
        assertBindReverts(x, y, d, o, "", IIdentity.BadConsentSignature.selector);
    }

    /// @dev A consent is for one owner, scope, end, epoch and nonce. Otherwise whoever once got it could take
    /// the device at any later time, with any scope.
    function testFuzz_bind_revertsIfConsentIsToOtherTerms(uint8 field, uint32 change) public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        (IIdentity.Delegation memory consented,,) = delegation(identity, owner, DEVICE);
        uint32 other = uint32(bound(change, 1, type(uint32).max - 1));
        field %= 5;
        if (field == 0) consented.owner = address(uint160(owner) ^ other);
        if (field == 1) consented.scope ^= other;
        if (field == 2) consented.validUntil ^= other;
        if (field == 3) consented.epoch ^= other;
        if (field == 4) consented.nonce ^= other;
        bytes memory c = consentSignature(DEVICE, consented);
        assertBindReverts(x, y, d, ownerSignature(OWNER, d), c, IIdentity.BadConsentSignature.selector);
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
    }

    function test_bind_revertsOnOtherChainOrContract() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        IIdentity other = deployIdentity();
        vm.expectRevert(IIdentity.BadOwnerSignature.selector);
        other.bind(x, y, d, o, c);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        assertBindReverts(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        vm.chainId(here);
        identity.bind(x, y, d, o, c);
    }

    function test_bind_revertsIfSignedFieldChanged() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        d.scope = 1;
        assertBindReverts(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        d.scope = 3;
        d.validUntil -= 1;
        assertBindReverts(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        d.validUntil += 1;
        d.nonce += 1;
        assertBindReverts(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        d.nonce -= 1;
        d.replaces = vm.addr(DEVICE2);
        assertBindReverts(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
    }

    function test_bind_revertsIfPublicKeyIsOfOtherDevice() public {
        (IIdentity.Delegation memory d,,) = delegation(identity, owner, DEVICE);
        (bytes32 x2, bytes32 y2) = publicKey(DEVICE2);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        assertBindReverts(x2, y2, d, o, c, IIdentity.WrongDevice.selector);
        (bytes32 x, bytes32 y) = publicKey(DEVICE);
        (, d.peerId) = identity.derive(x2, y2);
        assertBindReverts(x, y, d, ownerSignature(OWNER, d), c, IIdentity.WrongPeerId.selector);
    }

    function test_bind_revertsIfValidityScopeOrEpochIsInvalid() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        uint64 good = d.validUntil;
        d.validUntil = uint64(block.timestamp - 1);
        assertTermsRevert(x, y, d, IIdentity.BadValidity.selector);
        d.validUntil = uint64(block.timestamp + 90 days + 1);
        assertTermsRevert(x, y, d, IIdentity.BadValidity.selector);
        d.validUntil = good;
        d.scope = 0;
        assertTermsRevert(x, y, d, IIdentity.BadScope.selector);
        d.scope = 1 << 12;
        assertTermsRevert(x, y, d, IIdentity.BadScope.selector);
        d.scope = 3;
        d.epoch = 1;
        assertTermsRevert(x, y, d, IIdentity.WrongEpoch.selector);
    }

    function test_bind_revertsIfOwnerIsZeroOrTheDevice() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(DEVICE), DEVICE);
        assertBindReverts(
            x, y, d, ownerSignature(DEVICE, d), consentSignature(DEVICE, d), IIdentity.BadOwner.selector
        );
        // A malformed signature recovers to the zero address, which must not become an owner.
        (d, x, y) = delegation(identity, address(0), DEVICE);
        assertBindReverts(x, y, d, "", consentSignature(DEVICE, d), IIdentity.BadOwner.selector);
    }

    function testFuzz_bind_revertsIfDeviceHasOtherOwner(uint256 a, uint256 b, uint256 device, uint32 wait)
        public
    {
        (a, b, device) = (boundPrivateKey(a), boundPrivateKey(b), boundPrivateKey(device));
        vm.assume(a != b && a != device && b != device);
        bindDevice(identity, a, device);
        vm.warp(block.timestamp + wait);
        if (wait % 2 == 1) {
            vm.prank(vm.addr(a));
            identity.revoke(vm.addr(device));
        }
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(b), device);
        assertBindReverts(
            x, y, d, ownerSignature(b, d), consentSignature(device, d), IIdentity.Taken.selector
        );
    }

    // ------------------------------------------------------------ renewal, revocation, expiry

    function test_bind_revertsIfRenewalIsNotNewer() public {
        (IIdentity.Delegation memory first, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        first.nonce = 7;
        postBinding(identity, OWNER, DEVICE, first, x, y);
        assertTermsRevert(x, y, first, IIdentity.NotNewer.selector);
        (IIdentity.Delegation memory second,,) = delegation(identity, owner, DEVICE);
        (second.nonce, second.validUntil) = (6, first.validUntil + 1);
        assertTermsRevert(x, y, second, IIdentity.NotNewer.selector);
        // A newer one may be shorter and narrower.
        (second.nonce, second.validUntil, second.scope) = (8, first.validUntil - 1, 1);
        postBinding(identity, OWNER, DEVICE, second, x, y);
        IIdentity.Binding memory b = identity.bindingOf(first.sessionKey);
        assertEq(b.scope, 1, "new scope");
        assertEq(b.validUntil, second.validUntil, "new end");
        assertEq(b.nonce, 8, "new nonce");
        assertEq(identity.devicesOf(owner).length, 1, "still one device");
    }

    /// @dev The owner signed a broad, long delegation, did not post it, and gave a narrow, short one instead.
    function testFuzz_bind_neverReplacesNewerDelegationByOlder(uint32 older, uint32 newer, uint32 wait)
        public
    {
        newer = uint32(bound(newer, 1, type(uint32).max));
        older = uint32(bound(older, 0, newer - 1));
        (IIdentity.Delegation memory broad, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        broad.nonce = older;
        (IIdentity.Delegation memory narrow,,) = delegation(identity, owner, DEVICE);
        (narrow.nonce, narrow.scope) = (newer, identity.SCOPE_VOTE());
        narrow.validUntil = uint64(block.timestamp + 1 days);
        postBinding(identity, OWNER, DEVICE, narrow, x, y);
        vm.warp(block.timestamp + bound(wait, 0, 30 days));
        assertTermsRevert(x, y, broad, IIdentity.NotNewer.selector);
        assertFalse(identity.mayAct(narrow.sessionKey, identity.SCOPE_ATTEST()), "still narrow");
    }

    function test_revoke_revertsIfCallerIsNotOwner() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
        vm.prank(device);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Revoked(owner, device);
        vm.prank(owner);
        identity.revoke(device);
        assertEq(identity.ownerOf(device), address(0), "the device acts for nobody");
        assertEq(identity.devicesOf(owner).length, 1, "the device is still listed");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
    }

    function test_revoke_keepsOtherDevices() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        vm.prank(owner);
        identity.revoke(first);
        assertFalse(identity.mayAct(first, 1), "first");
        assertTrue(identity.mayAct(second, 3), "second");
    }

    /// @dev The owner signed a longer delegation before it revoked the device. Whoever has it must not revive
    /// the device.
    function test_bind_revertsIfDeviceWasRevokedInEpoch() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        IIdentity.Delegation memory longer = delegationWith(d, d.validUntil + 1 days);
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
        vm.prank(owner);
        identity.revoke(d.sessionKey);
        assertBindReverts(
            x,
            y,
            longer,
            ownerSignature(OWNER, longer),
            consentSignature(DEVICE, longer),
            IIdentity.DeviceRevoked.selector
        );
        vm.prank(owner);
        identity.revokeAll();
        assertBindReverts(
            x,
            y,
            longer,
            ownerSignature(OWNER, longer),
            consentSignature(DEVICE, longer),
            IIdentity.WrongEpoch.selector
        );
        bindDevice(identity, OWNER, DEVICE);
        assertEq(identity.ownerOf(d.sessionKey), owner, "bound again with new signatures");
        assertEq(identity.devicesOf(owner).length, 1, "listed once");
    }

    function test_revokeAll_endsDelegationsAndVoidsUnpostedSignatures() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        address otherDevice = bindDevice(identity, OTHER, 0xD3);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, 0xD4);
        vm.prank(owner);
        identity.revokeAll();
        assertEq(identity.epochOf(owner), 1, "epoch");
        assertFalse(identity.mayAct(first, 1), "first");
        assertFalse(identity.mayAct(second, 1), "second");
        assertTrue(identity.mayAct(otherDevice, 1), "device of another owner");
        assertBindReverts(
            x, y, d, ownerSignature(OWNER, d), consentSignature(0xD4, d), IIdentity.WrongEpoch.selector
        );
    }

    function test_mayAct_returnsFalseAfterExpiry() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        uint256 last = identity.bindingOf(device).validUntil;
        vm.warp(last);
        assertEq(identity.ownerOf(device), owner, "in force in the last second");
        assertTrue(identity.mayAct(device, 1), "may act in the last second");
        vm.warp(last + 1);
        assertEq(identity.ownerOf(device), address(0), "not in force afterwards");
        assertFalse(identity.mayAct(device, 1), "may not act afterwards");
        bindDevice(identity, OWNER, DEVICE);
        assertEq(identity.ownerOf(device), owner, "renewed");
    }

    function testFuzz_mayAct_requiresEveryScopeBit(uint16 scope, uint32 asked) public {
        scope = uint16(bound(scope, 1, 0xfff));
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        assertTrue(identity.mayAct(d.sessionKey, asked), "a device without an owner may act");
        d.scope = scope;
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
        assertEq(identity.mayAct(d.sessionKey, asked), asked & ~uint32(scope) == 0, "every bit is in scope");
    }

    // ------------------------------------------------------------ helpers

    function ownerSignature(uint256 k, IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(k, delegationDigest(address(identity), d));
    }

    function consentSignature(uint256 k, IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(k, consentDigest(address(identity), d));
    }

    function delegationWith(IIdentity.Delegation memory d, uint64 validUntil)
        private
        pure
        returns (IIdentity.Delegation memory)
    {
        return IIdentity.Delegation(
            d.owner, d.sessionKey, d.peerId, d.scope, validUntil, d.epoch, d.nonce + 1, d.replaces
        );
    }

    function assertTermsRevert(bytes32 x, bytes32 y, IIdentity.Delegation memory d, bytes4 selector) private {
        assertBindReverts(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d), selector);
    }

    function assertBindReverts(
        bytes32 x,
        bytes32 y,
        IIdentity.Delegation memory d,
        bytes memory o,
        bytes memory c,
        bytes4 selector
    ) private {
        try identity.bind(x, y, d, o, c) {
            assertTrue(false, "bind should revert");
        } catch (bytes memory reason) {
            assertEq(bytes32(bytes4(reason)), bytes32(selector), "reason");
        }
    }
}
