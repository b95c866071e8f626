// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {Signing} from "./Signing.sol";

/// @notice How a device stops being an owner's: it leaves, another one replaces it, or another one takes its
/// place.
contract DevicePlacesTest is Signing {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant OTHER = 0xB0B;
    uint256 private constant DEVICE = 0xD1;
    uint256 private constant DEVICE2 = 0xD2;
    uint256 private constant MANY = 0x10000;

    IIdentity private identity;
    address private owner = vm.addr(OWNER);

    function setUp() public {
        vm.warp(1_800_000_000);
        identity = deployIdentity();
    }

    // ------------------------------------------------------------ end of a session

    function test_endSession_endsDelegation() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.SessionEnded(owner, device);
        vm.prank(device);
        identity.endSession();
        assertFalse(identity.mayAct(device, 1), "may not act");
        assertEq(identity.ownerOf(device), address(0), "acts for nobody");
        assertEq(identity.bindingOf(device).owner, owner, "its record stays with the owner");
        vm.prank(device);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotBound.selector, device));
        identity.endSession();
    }

    function test_endSession_revertsIfDeviceIsNotBound() public {
        vm.prank(vm.addr(DEVICE));
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotBound.selector, vm.addr(DEVICE)));
        identity.endSession();
    }

    /// @dev Neither the owner nor anybody with an unposted pair of signatures takes the device back.
    function test_endSession_voidsUnpostedDelegationsOfEpoch() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        (IIdentity.Delegation memory later, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        vm.prank(device);
        identity.endSession();
        bytes memory o = sign65(OWNER, delegationDigest(address(identity), later));
        bytes memory c = sign65(DEVICE, consentDigest(address(identity), later));
        vm.expectRevert(abi.encodeWithSelector(IIdentity.DeviceRevoked.selector, device));
        identity.bind(x, y, later, o, c);
        // In a new epoch both sign anew.
        vm.prank(owner);
        identity.revokeAll();
        bindDevice(identity, OWNER, DEVICE);
        assertEq(identity.ownerOf(device), owner, "bound again");
    }

    function test_endSessionFor_succeedsForAnyCallerWithSignature() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        bytes memory signature = endSignature(DEVICE, device);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.SessionEnded(owner, device);
        vm.prank(address(0xBEEF));
        identity.endSessionFor(device, signature);
        assertFalse(identity.mayAct(device, 1), "may not act");
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotBound.selector, device));
        identity.endSessionFor(device, signature);
    }

    function testFuzz_endSessionFor_revertsIfSignatureIsOfOtherKeyOrDelegation(uint8 change) public {
        address device = bindDevice(identity, OWNER, DEVICE);
        IIdentity.Binding memory b = identity.bindingOf(device);
        uint256 key = change % 4 == 0 ? OWNER : DEVICE;
        address named = change % 4 == 1 ? vm.addr(OTHER) : owner;
        uint32 epoch = change % 4 == 2 ? b.epoch + 1 : b.epoch;
        uint32 nonce = change % 4 == 3 ? b.nonce + 1 : b.nonce;
        bytes memory signature = sign65(key, endDigest(address(identity), named, epoch, nonce));
        vm.expectRevert(IIdentity.BadEndSignature.selector);
        identity.endSessionFor(device, signature);
        vm.expectRevert(IIdentity.BadEndSignature.selector);
        identity.endSessionFor(address(0), "");
        assertTrue(identity.mayAct(device, 3), "still bound");
    }

    /// @dev A device that signed the end of one delegation and then agreed to a renewal stays.
    function test_endSessionFor_revertsAfterRenewal() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        bytes memory signature = endSignature(DEVICE, device);
        bindDevice(identity, OWNER, DEVICE);
        vm.expectRevert(IIdentity.BadEndSignature.selector);
        identity.endSessionFor(device, signature);
        assertTrue(identity.mayAct(device, 3), "still bound");
    }

    // ------------------------------------------------------------ replacement of a key

    function test_bind_replacesDeviceInOneCall() public {
        address old = bindDevice(identity, OWNER, DEVICE);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE2);
        d.replaces = old;
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Revoked(owner, old);
        postBinding(identity, OWNER, DEVICE2, d, x, y);
        assertEq(identity.ownerOf(old), address(0), "the old key acts for nobody");
        assertFalse(identity.mayAct(old, 1), "the old key may not act");
        assertTrue(identity.mayAct(d.sessionKey, 3), "the new key may");
        assertEq(identity.devicesOf(owner).length, 2, "both records count for the owner");
    }

    function test_bind_acceptsReplacedDeviceThatHasEnded() public {
        address old = bindDevice(identity, OWNER, DEVICE);
        vm.prank(owner);
        identity.revoke(old);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE2);
        d.replaces = old;
        postBinding(identity, OWNER, DEVICE2, d, x, y);
        assertTrue(identity.mayAct(d.sessionKey, 3), "the new key may act");
    }

    function test_bind_revertsIfReplacedDeviceIsNotOwners() public {
        address others = bindDevice(identity, OTHER, DEVICE);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE2);
        address[3] memory wrong = [others, vm.addr(0xD9), d.sessionKey];
        for (uint256 i; i < 3; ++i) {
            d.replaces = wrong[i];
            bytes memory o = sign65(OWNER, delegationDigest(address(identity), d));
            bytes memory c = sign65(DEVICE2, consentDigest(address(identity), d));
            vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, wrong[i]));
            identity.bind(x, y, d, o, c);
        }
        assertTrue(identity.mayAct(others, 3), "the other owner's device still acts");
    }

    // ------------------------------------------------------------ places

    function test_bind_revertsIfEveryPlaceIsInForce() public {
        takeEveryPlace();
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = sign65(OWNER, delegationDigest(address(identity), d));
        bytes memory c = sign65(DEVICE, consentDigest(address(identity), d));
        vm.expectRevert(IIdentity.TooManyDevices.selector);
        identity.bind(x, y, d, o, c);
        // A renewal takes no place.
        bindDevice(identity, OWNER, MANY);
        // A replacement has the place of the device that it replaces.
        d.replaces = vm.addr(MANY + 7);
        postBinding(identity, OWNER, DEVICE, d, x, y);
        assertRetired(MANY + 7);
        assertEq(identity.ownerOf(d.sessionKey), owner, "bound");
    }

    function test_bind_reusesPlaceOfRevokedBeforeThatOfExpired() public {
        uint256 most = identity.MAX_DEVICES();
        for (uint256 i; i < most; ++i) {
            (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, MANY + i);
            if (i == 3) d.validUntil = uint64(block.timestamp + 1 days);
            postBinding(identity, OWNER, MANY + i, d, x, y);
        }
        vm.prank(owner);
        identity.revoke(vm.addr(MANY + 200));
        vm.warp(block.timestamp + 2 days);
        bindDevice(identity, OWNER, DEVICE);
        assertRetired(MANY + 200);
        assertFalse(identity.bindingOf(vm.addr(MANY + 3)).retired, "the expired one can still be renewed");
        bindDevice(identity, OWNER, DEVICE2);
        assertRetired(MANY + 3);
        assertEq(identity.devicesOf(owner).length, most + 2, "every device that was ever bound is listed");
    }

    function test_revokeAll_freesEveryPlaceAndStaysBounded() public {
        takeEveryPlace();
        vm.prank(owner);
        identity.revokeAll();
        for (uint256 i; i < 5; ++i) {
            bindDevice(identity, OWNER, 0xE000 + i);
        }
        vm.prank(owner);
        identity.revokeAll();
        for (uint256 i; i < 5; ++i) {
            assertFalse(identity.mayAct(vm.addr(0xE000 + i), 1), "a device in a reused place is revoked");
        }
    }

    /// @dev A binding holds 16 bits of the epoch, so an epoch must never come round again.
    function test_revokeAll_revertsIfEpochsAreUsedUp() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        for (uint256 i; i < type(uint16).max; ++i) {
            vm.prank(owner);
            identity.revokeAll();
        }
        assertEq(identity.epochOf(owner), type(uint16).max, "the last epoch");
        vm.prank(owner);
        vm.expectRevert(IIdentity.TooManyEpochs.selector);
        identity.revokeAll();
        bindDevice(identity, OWNER, DEVICE);
        assertEq(identity.bindingOf(device).epoch, type(uint16).max, "bound in the last epoch");
        vm.prank(owner);
        identity.revoke(device);
        assertFalse(identity.mayAct(device, 1), "devices can still be revoked one by one");
    }

    function test_recordOfOwner_keepsRecordOfRetiredDevice() public {
        IParticipation participation = deployParticipation(identity);
        takeEveryPlace();
        address old = vm.addr(MANY);
        vm.prank(old);
        participation.attest(0, 0, "root", "rollouts");
        vm.prank(owner);
        identity.revoke(old);
        bindDevice(identity, OWNER, DEVICE);
        assertRetired(MANY);
        assertEq(participation.recordOfOwner(0, owner).attestations, 1, "still the owner's");
    }

    // ------------------------------------------------------------ helpers

    function takeEveryPlace() private {
        uint256 most = identity.MAX_DEVICES();
        for (uint256 i; i < most; ++i) {
            bindDevice(identity, OWNER, MANY + i);
        }
    }

    function endSignature(uint256 k, address device) private view returns (bytes memory) {
        IIdentity.Binding memory b = identity.bindingOf(device);
        return sign65(k, endDigest(address(identity), b.owner, b.epoch, b.nonce));
    }

    /// @dev A retired device is never bound again, in no epoch.
    function assertRetired(uint256 k) private {
        address device = vm.addr(k);
        assertTrue(identity.bindingOf(device).retired, "retired");
        assertFalse(identity.mayAct(device, 1), "may not act");
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, k);
        bytes memory o = sign65(OWNER, delegationDigest(address(identity), d));
        bytes memory c = sign65(k, consentDigest(address(identity), d));
        vm.expectRevert(abi.encodeWithSelector(IIdentity.DeviceRetired.selector, device));
        identity.bind(x, y, d, o, c);
    }
}
